import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { Writer } from '../../test/support/images/writer.js';
import { zipArchive, type ZipOptions } from '../../test/support/images/zip.js';

describe('zip', () => {
  it.each([
    ['deflated', {}, 'deflate'],
    ['stored', { stored: true }, 'stored'],
    ['made by Unix', { mode: 0o100644 }, 'deflate'],
    ['with its sizes behind the data', { flags: 8, gap: new Uint8Array(16) }, 'deflate'],
    ['with a comment', { comment: 'made by hand' }, 'deflate'],
  ] as const)('finds the one member %s', (_, options: ZipOptions, method) => {
    const content = Buffer.from('x'.repeat(5000));
    const bytes = zipArchive({ content, ...options });
    const result = inspectBytes(bytes, 100);
    expect(brokenRules(result)).toEqual([]);
    expect(result.metadata).toMatchObject({
      member_name: 'disk.raw',
      member_method: method,
      member_offset: 38,
      member_size: 5000,
    });
  });

  it.each([
    ['two members', { entries: 2 }, 'member-count'],
    ['no member', { entries: 0 }, 'member-count'],
    ['a name that climbs', { name: '../disk.raw' }, 'member-path'],
    ['a name that climbs on Windows', { name: 'a\\..\\..\\disk' }, 'member-path'],
    ['an absolute name', { name: '/etc/passwd' }, 'member-path'],
    ['a drive', { name: 'C:disk.raw' }, 'member-path'],
    ['a symbolic link', { mode: 0o120777 }, 'member-type'],
    ['a device', { mode: 0o060644 }, 'member-type'],
    ['a folder', { name: 'folder/', stored: true }, 'member-type'],
    ['an encrypted member', { flags: 1 }, 'unknown-features'],
    ['another method', { method: 14 }, 'unknown-features'],
    ['two names', { localName: 'disk.img' }, 'copies-differ'],
    ['bytes between data and directory', { gap: new Uint8Array(9) }, 'ambiguous-archive'],
    [
      'another size in the directory',
      { stored: true, patch: (w) => w.u32le(22, 1) },
      'copies-differ',
    ],
  ] as const satisfies readonly (readonly [string, ZipOptions, string])[])(
    'refuses %s',
    (_, options, rule) => {
      expect(brokenRules(inspectBytes(zipArchive(options)))).toEqual([rule]);
    },
  );

  it('refuses an archive within the comment, which a reader from the end would take', () => {
    const inner = Buffer.from(zipArchive({ entries: 0 }))
      .subarray(-22)
      .toString('latin1');
    expect(brokenRules(inspectBytes(zipArchive({ comment: inner })))).toEqual([
      'ambiguous-archive',
    ]);
  });

  it('takes the zip64 part that some writers add, unless it says something else', () => {
    const plain = Buffer.from(zipArchive());
    const [directoryAt, endAt] = [plain.length - 22 - 54, plain.length - 22];
    const zip64 = new Writer(76).text(0, 'PK\x06\x06').u64le(4, 44).u64le(24, 1).u64le(32, 1);
    zip64.u64le(40, 54).u64le(48, directoryAt).text(56, 'PK\x06\x07').u64le(64, endAt).u32le(72, 1);
    const archive = (): Buffer =>
      Buffer.concat([plain.subarray(0, endAt), zip64.bytes, plain.subarray(endAt)]);
    expect(brokenRules(inspectBytes(archive()))).toEqual([]);
    zip64.u64le(24, 2).u64le(32, 2);
    expect(brokenRules(inspectBytes(archive()))).toEqual(['ambiguous-archive']);
  });

  it('refuses one that is cut', () => {
    expect(brokenRules(inspectBytes(zipArchive().subarray(0, -1)))).toEqual(['truncated']);
  });
});
