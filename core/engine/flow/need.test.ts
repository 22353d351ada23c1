import { expect, it } from 'vitest';
import { needOf } from './need.js';

it('is the largest workspace, beside what tasks before have made of theirs', () => {
  const looks = (workspace: number) => ({ replacesData: false, workspace });
  const makes = (workspace: number) => ({ replacesData: true, workspace });
  expect(needOf([])).toBe(0);
  expect(needOf([looks(5), looks(7), looks(0)])).toBe(7);
  expect(needOf([makes(5), looks(7)])).toBe(12);
  expect(needOf([looks(20), makes(5), makes(6), looks(0)])).toBe(20);
  expect(needOf([makes(5), makes(6), makes(0), looks(1)])).toBe(12);
  const stores = { replacesData: false, workspace: 4, beside: 'store' };
  expect(needOf([makes(5), stores, stores, { ...stores, beside: 'other' }])).toBe(13);
});
