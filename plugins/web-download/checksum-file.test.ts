import { describe, expect, it } from 'vitest';
import { findChecksum } from './checksum-file.js';

const A = 'a'.repeat(64);
const B = 'B'.repeat(64);
const STRONG = 'c'.repeat(128);

describe('a list of digests', () => {
  it.each([
    ['GNU', `${B}  other.img\n${A}  disk.img\n`],
    ['GNU, binary', `${A} *disk.img`],
    ['GNU, in folders', `${A}  ./images/disk.img\r\n`],
    ['BSD', `SHA256 (disk.img) = ${A}\nSHA256 (other.img) = ${B}`],
    ['OpenSSL', `SHA2-256(disk.img)= ${A}`],
    ['a digest alone', `${A.toUpperCase()}\n`],
    [
      'signed',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# disk.img: 10 bytes\nSHA256 (disk.img) = ${A}\n-----BEGIN PGP SIGNATURE-----\niQIz\n`,
    ],
  ])('is read: %s', (_, text) => {
    expect(findChecksum(text, 'disk.img', 'list')).toEqual({ algorithm: 'sha256', value: A });
  });

  it('gives the strongest digest of a file', () => {
    const text = `MD5 (disk.img) = ${'d'.repeat(32)}\nSHA512 (disk.img) = ${STRONG}\nSHA256 (disk.img) = ${A}`;
    expect(findChecksum(text, 'disk.img', 'list')).toEqual({ algorithm: 'sha512', value: STRONG });
  });

  it('reads names that coreutils has escaped', () => {
    expect(findChecksum(`\\${A}  a\\\\b.img`, 'a\\b.img', 'list').value).toBe(A);
  });

  it.each([
    ['another file', `${A}  other.img`],
    ['the end of another name', `${A}  my-disk.img`],
    ['digests of no known length', `${'a'.repeat(63)}  disk.img`],
    ['two digests without names', `${A}\n${B}`],
    ['no list', '<!doctype html><title>Not here</title>'],
    ['nothing', ''],
  ])('gives nothing where it holds %s', (_, text) => {
    expect(() => findChecksum(text, 'disk.img', 'list')).toThrow(
      expect.objectContaining({ class: 'permanent', code: 'CHECKSUM_NOT_FOUND' }),
    );
  });

  it('gives nothing where it contradicts itself', () => {
    expect(() => findChecksum(`${A}  a/disk.img\n${B}  b/disk.img`, 'disk.img', 'list')).toThrow(
      expect.objectContaining({ code: 'CHECKSUM_AMBIGUOUS' }),
    );
  });
});
