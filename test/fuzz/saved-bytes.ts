import type { JsonObject } from '../../core/base/json.js';

/** Runs of zeros that are not worth a line of their own in a saved file. */
const GAP = 64;

/** Bytes as a JSON object: their length, and the runs that are not zero, in base64. */
export function saveBytes(bytes: Uint8Array): JsonObject {
  const runs: [number, string][] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === 0) {
      at += 1;
      continue;
    }
    let end = at + 1;
    for (let next = end; next < bytes.length && next < end + GAP; next += 1) {
      if (bytes[next] !== 0) end = next + 1;
    }
    runs.push([at, Buffer.from(bytes.subarray(at, end)).toString('base64')]);
    at = end;
  }
  return { length: bytes.length, runs };
}

/** The bytes that {@link saveBytes} has saved. */
export function loadBytes(saved: JsonObject): Uint8Array {
  const bytes = Buffer.alloc(Number(saved['length']));
  for (const run of saved['runs'] as readonly (readonly [number, string])[]) {
    Buffer.from(run[1], 'base64').copy(bytes, run[0]);
  }
  return bytes;
}

/**
 * The least that still fails: the end is cut off and blocks are made zero as long as `fails` holds.
 */
export function minimised(bytes: Uint8Array, fails: (bytes: Uint8Array) => boolean): Uint8Array {
  let least = Uint8Array.from(bytes);
  for (let step = least.length >> 1; step > 0; step >>= 1) {
    while (step < least.length && fails(least.slice(0, least.length - step))) {
      least = least.slice(0, least.length - step);
    }
  }
  for (let block = 1 << 16; block > 0; block >>= 2) {
    for (let at = 0; at < least.length; at += block) {
      const part = least.subarray(at, at + block);
      if (part.every((byte) => byte === 0)) continue;
      const without = Uint8Array.from(least);
      without.fill(0, at, at + block);
      if (fails(without)) least = without;
    }
  }
  return least;
}
