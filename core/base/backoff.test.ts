import { describe, expect, it } from 'vitest';
import { backoffDelay } from './backoff.js';

const backoff = { backoffMs: 1000, maxBackoffMs: 10_000 };

describe('backoffDelay', () => {
  it('doubles from the first failure up to the maximum', () => {
    const delays = [1, 2, 3, 4, 5, 60].map((attempt) => backoffDelay(attempt, backoff, () => 1));
    expect(delays).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it('spreads over the upper half', () => {
    expect(backoffDelay(2, backoff, () => 0)).toBe(1000);
    expect(backoffDelay(2, backoff, () => 0.5)).toBe(1500);
  });

  it('stays finite for an attempt number beyond what a double can hold', () => {
    expect(backoffDelay(5000, backoff, () => 0)).toBe(5000);
  });
});
