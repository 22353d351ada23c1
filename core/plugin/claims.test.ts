import { describe, expect, it } from 'vitest';
import { claimCovers, claimsOverlap } from './claims.js';

describe('claimCovers', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'ab', false],
    ['a_*', 'a_', true],
    ['a_*', 'a_b', true],
    ['a_*', 'a', false],
  ])('%s covers %s: %s', (claim, property, covers) => {
    expect(claimCovers(claim, property)).toBe(covers);
  });
});

describe('claimsOverlap', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'b', false],
    ['a_*', 'a_b', true],
    ['a_*', 'a_b_*', true],
    ['a_*', 'b_*', false],
    ['a_*', 'a', false],
    ['a*', 'a', true],
  ])('%s and %s: %s, both ways', (one, other, overlap) => {
    expect(claimsOverlap(one, other)).toBe(overlap);
    expect(claimsOverlap(other, one)).toBe(overlap);
  });
});
