import { describe, expect, it } from 'vitest';
import { parseRange } from './range.js';

function range(
  headers: { range?: string; contentRange?: string; ifRange?: string },
  size = 10,
): unknown {
  try {
    return parseRange({ range: '', contentRange: '', ifRange: '', ...headers }, size);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('parseRange', () => {
  it.each([
    ['bytes=0-4', { start: 0, end: 5 }],
    ['bytes=4-', { start: 4, end: 10 }],
    ['bytes=-3', { start: 7, end: 10 }],
    ['bytes=-30', { start: 0, end: 10 }],
    ['bytes=9-99', { start: 9, end: 10 }],
    ['bytes=10-', 'RANGE_NOT_SATISFIABLE'],
    ['bytes=5-4', 'RANGE_NOT_SATISFIABLE'],
    ['bytes=-0', 'RANGE_NOT_SATISFIABLE'],
    ['bytes=-', 'RANGE_NOT_SATISFIABLE'],
    ['lines=1-2', 'RANGE_NOT_SATISFIABLE'],
    ['bytes=0-1,3-4', 'RANGES_UNSUPPORTED'],
  ])('takes "%s" for %o', (text, expected) => {
    expect(range({ range: text })).toEqual(expected);
  });

  it('takes the old header of requests', () => {
    expect(range({ contentRange: 'bytes 2-5/10' })).toEqual({ start: 2, end: 6 });
    expect(range({ contentRange: 'bytes 2-5/*' })).toEqual({ start: 2, end: 6 });
    expect(range({ contentRange: 'bytes x' })).toBe('RANGE_NOT_SATISFIABLE');
  });

  it('gives the whole where there is no range, or one that depends on a validator', () => {
    expect(range({})).toBeUndefined();
    expect(range({ range: 'bytes=0-1', ifRange: '"etag"' })).toBeUndefined();
  });
});
