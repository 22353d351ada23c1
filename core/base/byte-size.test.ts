import { describe, expect, it } from 'vitest';
import { exactByteSize, formatByteSize, parseByteSize } from './byte-size.js';

describe('parseByteSize', () => {
  it.each([
    ['0', 0],
    ['512', 512],
    ['50 GiB', 50 * 2 ** 30],
    ['1TiB', 2 ** 40],
    ['1.5 kib', 1536],
    ['10 GB', 10e9],
    ['7 B', 7],
    [' 2 MiB ', 2 ** 21],
    ['0.0000000001 TiB', 110],
  ])('reads %j as %i bytes', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each([
    '',
    'GiB',
    '-1',
    '1 XB',
    '1 GiB extra',
    '1e3',
    '9007199254740993',
    '100000 PiB',
    '1,5 GiB',
  ])('refuses %j', (text) => {
    expect(parseByteSize(text)).toBeUndefined();
  });
});

describe('formatByteSize', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [2 ** 30, '1 GiB'],
    [10.25 * 2 ** 20, '10.3 MiB'],
    [123.4 * 2 ** 40, '123 TiB'],
  ])('writes %i as %s', (bytes, text) => {
    expect(formatByteSize(bytes)).toBe(text);
  });
});

describe('exactByteSize', () => {
  it.each([0, 1, 1000, 1024, 1025, 50 * 2 ** 30, 2 ** 40 + 512, Number.MAX_SAFE_INTEGER])(
    'writes %i so that it reads back',
    (bytes) => {
      expect(parseByteSize(exactByteSize(bytes))).toBe(bytes);
    },
  );
});
