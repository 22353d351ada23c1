import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { dataRuns } from './data-runs.js';

const PAGE = 4096;

it('dataRuns leaves out whole pages of zeros, counted from the begin of the file', () => {
  const bytes = new Uint8Array(4 * PAGE);
  expect(dataRuns(bytes, 0)).toEqual([]);
  bytes[PAGE + 5] = 1;
  expect(dataRuns(bytes, 0)).toEqual([{ start: PAGE, end: 2 * PAGE }]);
  expect(dataRuns(bytes, 10)).toEqual([{ start: PAGE - 10, end: 2 * PAGE - 10 }]);
});

it('dataRuns joins neighbours and keeps what is not a whole page', () => {
  const bytes = new Uint8Array(randomBytes(2 * PAGE + 7));
  bytes[0] = 1;
  bytes[bytes.length - 1] = 1;
  expect(dataRuns(bytes, 0)).toEqual([{ start: 0, end: 2 * PAGE + 7 }]);
  expect(dataRuns(bytes.subarray(0, 0), 3)).toEqual([]);
});

it('dataRuns covers every byte that is not zero', () => {
  for (let round = 0; round < 200; round += 1) {
    const bytes = new Uint8Array(Math.floor(Math.random() * 6 * PAGE));
    const position = Math.floor(Math.random() * 3 * PAGE);
    for (let count = Math.floor(Math.random() * 4); count > 0 && bytes.length > 0; count -= 1) {
      bytes[Math.floor(Math.random() * bytes.length)] = 255;
    }
    const rest = bytes.slice();
    for (const { start, end } of dataRuns(bytes, position)) rest.fill(0, start, end);
    expect(rest.every((byte) => byte === 0)).toBe(true);
  }
});
