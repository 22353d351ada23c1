import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { Writer } from '../../test/support/images/writer.js';

function starting(text: string): Uint8Array {
  return new Writer(512).text(0, text).bytes;
}

describe('foreign', () => {
  it.each([
    ['parallels', starting('WithoutFreeSpace')],
    ['parallels', starting('WithouFreSpacExt')],
    ['bochs', starting('Bochs Virtual HD Image')],
    ['e01', starting('EVF\x09\x0d\x0a\xff\x00')],
    ['dmg', new Writer(2048).text(1536, 'koly').u32be(1540, 4).u32be(1544, 512).bytes],
  ])('refuses %s', (format, bytes) => {
    const result = inspectBytes(bytes);
    expect(result.format).toBe(format);
    expect(brokenRules(result)).toEqual(['foreign-format']);
  });
});
