import { setFlagsFromString } from 'node:v8';

/** By how much V8 lets the young generation grow when much of it survives; 2 is its own default. */
const GROWTH = '--semi-space-growth-factor';
/** Milliseconds after which whatever a start makes has left the young generation. */
const START_MS = 10_000;

/**
 * Keeps the young generation of the heap, for the time of a start, as small as it begins. Loading
 * modules makes much that stays, which V8 takes for a reason to hold three times 16 MiB for
 * short-lived objects from then on, also while the process does nothing. Call it before they are
 * loaded.
 */
export function keepYoungHeapSmallAtStart(): void {
  setFlagsFromString(`${GROWTH}=1`);
  setTimeout(() => {
    setFlagsFromString(`${GROWTH}=2`);
  }, START_MS).unref();
}
