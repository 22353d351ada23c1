import { expect, it } from 'vitest';
import { Occupied } from './occupied.js';

const PAGE = 4096;
const data = (length: number): Uint8Array => new Uint8Array(length).fill(1);
const zeros = (length: number): Uint8Array => new Uint8Array(length);

it('counts pages with data once, and holes not at all', () => {
  const occupied = new Occupied(0);
  expect(occupied.add(data(10), 0)).toBe(10);
  expect(occupied.add(data(PAGE), 10)).toBe(10 + PAGE);
  expect(occupied.add(zeros(100 * PAGE), 10 + PAGE)).toBe(2 * PAGE);
  expect(occupied.add(data(1), 10 + 101 * PAGE)).toBe(3 * PAGE);
});

it('counts the whole page of a single byte, however the zeros around it come', () => {
  const occupied = new Occupied(0);
  let position = 0;
  let counted = 0;
  for (let round = 0; round < 50; round += 1) {
    occupied.add(zeros(PAGE), position);
    counted = occupied.add(data(1), position + PAGE);
    position += PAGE + 1;
  }
  expect(counted).toBe(50 * PAGE);
});

it('counts everything that is there already', () => {
  expect(new Occupied(5 * PAGE).add(zeros(PAGE), 5 * PAGE)).toBe(5 * PAGE);
});
