import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { Writer } from '../../test/support/images/writer.js';

function starting(text: string, length = 512): Uint8Array {
  return new Writer(length).text(0, text).bytes;
}

/** `printf x | xz` */
const XZ = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAAeAAAAABFru+D+O4WCgABGQGlLIHMH7bzfQEAAAAABFla',
  'base64',
);

describe('compressed', () => {
  it.each([
    ['gz', gzipSync('x')],
    ['xz', XZ],
    ['zst', starting('\x28\xb5\x2f\xfd')],
    ['bz2', starting('BZh91AY&SY')],
    ['lz4', starting('\x04\x22\x4d\x18')],
    ['lzma', starting('\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0')],
  ])('names %s and leaves its judgement to what it holds', (format, bytes) => {
    expect(inspectBytes(bytes)).toMatchObject({
      format,
      safe: true,
      findings: [{ rule: 'compressed-data', severity: 'note' }],
    });
  });

  it('refuses 7z, whose members are not inspected', () => {
    const result = inspectBytes(starting('7z\xbc\xaf\x27\x1c'));
    expect(result.format).toBe('7z');
    expect(brokenRules(result)).toEqual(['archive-members']);
  });

  it.each([
    ['a header alone', gzipSync('x').subarray(0, 10), 'truncated'],
    [
      'reserved flags',
      Uint8Array.from(gzipSync('x'), (b, at) => (at === 3 ? 0x80 : b)),
      'header-malformed',
    ],
    ['an xz without its footer', XZ.subarray(0, -4), 'truncated'],
    [
      'an xz with other flags',
      Uint8Array.from(XZ, (b, at) => (at === 7 ? 1 : b)),
      'header-checksum',
    ],
  ])('refuses %s', (_, bytes, rule) => {
    expect(brokenRules(inspectBytes(bytes))).toEqual([rule]);
  });

  it('takes padding behind an xz', () => {
    expect(brokenRules(inspectBytes(Buffer.concat([XZ, Buffer.alloc(8)])))).toEqual([]);
  });

  it('takes bytes for raw that have no signature', () => {
    expect(inspectBytes(brotliCompressSync('x'.repeat(5000)))).toMatchObject({ format: 'raw' });
    expect(inspectBytes(starting('\x5d\0\0\x81\0'))).toMatchObject({ format: 'raw' });
  });
});
