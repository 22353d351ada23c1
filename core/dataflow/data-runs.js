import { Buffer } from 'node:buffer';

/** Smallest hole, bytes: the block size of the usual file systems. */
const PAGE = 4096;
const ZEROS = Buffer.alloc(PAGE);

/**
 * Finds what has to be written of `bytes` when zeros may become holes: ranges without a whole page
 * of zeros, where pages are counted from the begin of the file, in which `bytes` stand at `position`.
 *
 * @param {Uint8Array} bytes
 * @param {number} position
 * @returns {{ start: number, end: number }[]} half-open ranges of `bytes`, ascending, not touching
 */
export function dataRuns(bytes, position) {
  const runs = [];
  let runStart = -1;
  let start = 0;
  while (start < bytes.length) {
    const end = Math.min(bytes.length, start + PAGE - ((position + start) % PAGE));
    if (isZero(bytes, start, end)) {
      if (runStart >= 0) runs.push({ start: runStart, end: start });
      runStart = -1;
    } else if (runStart < 0) {
      runStart = start;
    }
    start = end;
  }
  if (runStart >= 0) runs.push({ start: runStart, end: bytes.length });
  return runs;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} end at most a page behind `start`
 * @returns {boolean}
 */
function isZero(bytes, start, end) {
  // Nearly every page of data shows it at one of its ends, without a call into native code.
  if (bytes[start] !== 0 || bytes[end - 1] !== 0) return false;
  return ZEROS.compare(bytes, start, end, 0, end - start) === 0;
}
