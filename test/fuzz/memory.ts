import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createInspector } from '../../core/format/inspector.js';
import { promise } from './target.js';

/** What the inspectors of one stream keep together, at most. */
export const MAX_RETAINED = 1024 * 1024;

const COPIES = 8;
const STEP = 65536;

/**
 * Bytes that one inspection keeps after `length` bytes of the stream: several are held at once and
 * what they add to the heap and to buffers outside it, after garbage was collected, is divided.
 */
export function retained(bytes: Uint8Array, length: number): number {
  const held = [];
  const before = used();
  for (let copy = 0; copy < COPIES; copy += 1) {
    const inspector = createInspector();
    // Not the stream itself but its chunks: one that keeps a reference is seen.
    inspector.update(Uint8Array.from(bytes.subarray(0, length)));
    held.push(inspector);
  }
  const after = used();
  return (after - before) / held.length;
}

/**
 * What was measured, in steps.
 * @throws {Broken} where an inspection keeps more than it may
 */
export function checkMemory(bytes: Uint8Array, length: number): string {
  const kept = retained(bytes, length);
  promise('an inspection keeps at most 1 MiB', kept <= MAX_RETAINED, () => {
    return `it keeps ${Math.round(kept / 1024)} KiB after ${length} of ${bytes.length} bytes`;
  });
  return `memory ${Math.ceil(kept / STEP) * (STEP / 1024)} KiB`;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Buffers are freed beside the collector: what one collection has found is gone after a later one. */
function used(): number {
  let least = Infinity;
  for (;;) {
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const now = heapUsed + arrayBuffers;
    if (now >= least) return least;
    least = now;
  }
}
