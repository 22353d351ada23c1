import path from 'node:path';
import { PermanentError } from '../../core/api.js';
import { algorithmOfLength, checksumOf, strongest } from './checksum.js';
import type { Checksum } from './checksum.js';

interface Entry {
  /** `undefined` where the file has a digest and nothing else. */
  readonly name: string | undefined;
  readonly checksum: Checksum;
}

/**
 * Finds the digest of one file in the text of a `SHA256SUMS`-like file: lines of GNU coreutils
 * (`<hex>  <name>`), of BSD and OpenSSL (`SHA256 (<name>) = <hex>`), or one digest alone. Other lines, such
 * as those of a signature around them, are passed over. Folders before a name do not count. Where several
 * algorithms are given the strongest is taken.
 * @throws {PermanentError} `CHECKSUM_NOT_FOUND` · `CHECKSUM_AMBIGUOUS`
 */
export function findChecksum(text: string, fileName: string, where: string): Checksum {
  const entries = text.split(/\r?\n/).flatMap((line) => readLine(line.trim()) ?? []);
  const named = entries.filter(
    ({ name }) => name !== undefined && path.posix.basename(name) === fileName,
  );
  const alone = entries.length === 1 && entries[0]?.name === undefined ? entries : [];
  const found = named.length > 0 ? named : alone;
  const best = strongest(found.map(({ checksum }) => checksum));
  if (best === undefined) {
    throw new PermanentError({
      code: 'CHECKSUM_NOT_FOUND',
      message: `${where} names no digest of "${fileName}" among its ${entries.length} entries`,
      hint: 'Give the URL of the list that belongs to this file, or the digest itself as "checksum"',
    });
  }
  const values = found.filter(({ checksum }) => checksum.algorithm === best.algorithm);
  if (values.some(({ checksum }) => checksum.value !== best.value)) {
    throw new PermanentError({
      code: 'CHECKSUM_AMBIGUOUS',
      message: `${where} names several ${best.algorithm} digests of "${fileName}"`,
      hint: 'Give the digest itself as "checksum"',
    });
  }
  return best;
}

function readLine(line: string): Entry | undefined {
  const [, escaped, gnuHex = '', gnuName = ''] = /^(\\?)([0-9a-f]+) [ *](.+)$/i.exec(line) ?? [];
  if (gnuHex !== '')
    return entry(algorithmOfLength(gnuHex.length), gnuHex, unescaped(gnuName, escaped));
  const [, tag = '', bsdName = '', bsdHex = ''] =
    /^([a-z0-9/-]+) ?\((.+)\) ?= ?([0-9a-f]+)$/i.exec(line) ?? [];
  if (bsdHex !== '') return entry(algorithmOfTag(tag), bsdHex, bsdName);
  return /^[0-9a-f]+$/i.test(line)
    ? entry(algorithmOfLength(line.length), line, undefined)
    : undefined;
}

function entry(
  algorithm: string | undefined,
  hex: string,
  name: string | undefined,
): Entry | undefined {
  const checksum = checksumOf(algorithm ?? '', hex);
  return checksum === undefined ? undefined : { name, checksum };
}

/** `SHA256`, `SHA2-256`, `MD5` → Node's name. */
function algorithmOfTag(tag: string): string {
  return tag
    .toLowerCase()
    .replace(/^sha2-/, 'sha')
    .replace('-', '');
}

/** coreutils marks a line whose name holds a backslash or a line end by a backslash before it. */
function unescaped(name: string, mark: string | undefined): string {
  if (mark !== '\\') return name;
  return name.replaceAll(/\\([\\nr])/g, (_, what: string) =>
    what === 'n' ? '\n' : what === 'r' ? '\r' : '\\',
  );
}
