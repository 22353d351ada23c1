import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { Writer } from '../../test/support/images/writer.js';

function starting(text: string, length = 512): Uint8Array {
  return new Writer(length).text(0, text).bytes;
}

function tarHeader(name: string): Uint8Array {
  const writer = new Writer(1024).text(0, name).text(148, ' '.repeat(8)).text(257, 'ustar');
  const sum = writer.bytes.reduce((total, byte) => total + byte, 0);
  return writer.text(148, `${sum.toString(8).padStart(6, '0')}\0 `).bytes;
}

describe('packed', () => {
  it.each([
    ['gz', gzipSync('x')],
    ['xz', starting('\xfd7zXZ\0')],
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

  it.each([
    ['zip', starting('PK\x03\x04')],
    ['zip', starting('PK\x05\x06', 22)],
    ['7z', starting('7z\xbc\xaf\x27\x1c')],
    ['tar', tarHeader('disk.vmdk')],
    ['ova', tarHeader('machine.OVF')],
  ])('refuses %s, whose members are not inspected', (format, bytes) => {
    const result = inspectBytes(bytes);
    expect(result.format).toBe(format);
    expect(brokenRules(result)).toEqual(['archive-members']);
  });

  it('takes bytes for raw that have no signature', () => {
    expect(inspectBytes(brotliCompressSync('x'.repeat(5000)))).toMatchObject({ format: 'raw' });
    expect(inspectBytes(starting('\x5d\0\0\x81\0'))).toMatchObject({ format: 'raw' });
  });
});
