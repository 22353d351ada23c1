import { setFlagsFromString } from 'node:v8';

/** By how much V8 lets the young generation grow when much of it survives; 2 is its own default. */
const GROWTH = '--semi-space-growth-factor';
/** Milliseconds after which whatever a start makes has left the young generation. */
const START_MS = 10_000;

/**
 * How far V8 may pass what it has planned for the heap, in percent of the plan, before it begins to mark the
 * whole of it: 100 is its own default.
 */
const MARKING = { soft: 400, hard: 500 };

/** Sets up V8's heap for a server of bytes. Call it before the modules are loaded. */
export function tuneHeap(): void {
  keepYoungHeapSmallAtStart();
  letBuffersPass();
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
 * plans 8 MiB: it would mark the heap anew with every 10 MiB that pass, at a third of the CPU of an
 * upload.
 */
function letBuffersPass(): void {
  setFlagsFromString(`--incremental-marking-soft-trigger=${MARKING.soft}`);
  setFlagsFromString(`--incremental-marking-hard-trigger=${MARKING.hard}`);
}
