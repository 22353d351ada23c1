import { describe, expect, it } from 'vitest';
import { exactDuration, formatDuration, parseDuration } from './duration.js';

describe('parseDuration', () => {
  it.each([
    ['30 s', 30_000],
    ['5min', 300_000],
    ['2 h', 7_200_000],
    ['7 d', 604_800_000],
    ['250 ms', 250],
    ['1.5 s', 1500],
    ['0 s', 0],
  ])('reads %j as %i milliseconds', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '30', '5 m', '-1 s', '1 year', '1 h 5 min'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('exactDuration', () => {
  it.each([0, 1, 999, 90_000, 3_600_000, 86_400_000, 86_400_001])(
    'writes %i so that it reads back',
    (ms) => {
      expect(parseDuration(exactDuration(ms))).toBe(ms);
    },
  );
});

describe('formatDuration', () => {
  it.each([
    [0, '0 s'],
    [420, '0.4 s'],
    [12_345, '12 s'],
    [65_000, '1 min 5 s'],
    [3_600_000, '1 h'],
    [3_905_000, '1 h 5 min'],
    [200_000_000, '2 d 7 h'],
  ])('writes %i as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
