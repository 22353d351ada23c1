import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By how much V8 lets the young generation grow when much of it survives; 2 is its own default. */
const GROWTH = '--semi-space-growth-factor';
/** Milliseconds after which whatever a start makes has left the young generation. */
const START_MS = 10_000;

/** By how many percent of what is alive the heap may grow until V8 has marked the whole of it anew. */
const HEADROOM_PERCENT = 100;

/** How often the process looks whether it has nothing to do, and what counts as that: a part of the time. */
const REST = { everyMs: 10_000, busy: 0.02 };
/** Bytes by which work must have let the heap grow for it to be collected at rest. */
const WORTH_COLLECTING = 16 * 1024 * 1024;

/** Sets up V8's heap for a server of bytes. Call it before the modules are loaded. */
export function tuneHeap(): void {
  keepYoungHeapSmallAtStart();
  letBuffersPass();
  collectAtRest(REST.everyMs);
}

/**
 * Keeps the young generation of the heap, for the time of a start, as small as it begins. Loading
 * modules makes much that stays, which V8 takes for a reason to hold three times 16 MiB for
 * short-lived objects from then on, also while the process does nothing.
 */
function keepYoungHeapSmallAtStart(): void {
  setFlagsFromString(`${GROWTH}=1`);
  setTimeout(() => {
    setFlagsFromString(`${GROWTH}=2`);
  }, START_MS).unref();
}

/**
 * Every 64 KiB of a request's body come in a buffer of their own, up to 32 MiB of which lie about before V8
 * gives them back with the young generation. To V8 they count as growth of the whole heap, for which it
 * plans 8 MiB by itself: it would mark the heap anew with every 10 MiB that pass, at a third of the CPU of an
 * upload. With room for them it marks seldom, and in small steps: a heap that has no room left
 * is marked as a whole in one pause, for which every request waits.
 */
function letBuffersPass(): void {
  setFlagsFromString(`--heap-growing-percent=${HEADROOM_PERCENT}`);
}

/**
 * V8 gives memory back after it has marked the heap, and marks it when it grows: after hours of work
 * the process would keep for ever what it last grew to. A collection at rest lets V8 begin; it goes on
 * by itself, and is done half a minute later.
 */
export function collectAtRest(everyMs: number): void {
  let kept = getHeapStatistics().total_heap_size;
  let last = performance.eventLoopUtilization();
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    const size = getHeapStatistics().total_heap_size;
    kept = Math.min(kept, size);
    if (utilization > REST.busy || size - kept < WORTH_COLLECTING) return;
    kept = size;
    collect();
  }, everyMs).unref();
}

/** V8 shows `gc` only to contexts that are made while it is told to. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  gc();
}
