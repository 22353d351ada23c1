import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { qcow2Image, withBackingFile } from '../../test/support/images/qcow2.js';
import type { Patch } from '../../test/support/images/writer.js';

const DATA_FILE = 0x44415441;
const BACKING_FORMAT = 0xe2792aca;
const FEATURE_NAMES = 0x6803f857;

describe('qcow2', () => {
  it('describes an image', () => {
    expect(inspectBytes(qcow2Image())).toEqual({
      format: 'qcow2',
      subformat: 'v3',
      virtualSize: 1048576,
      size: 16384,
      safe: true,
      findings: [],
      metadata: {
        version: 3,
        compat: '1.1',
        cluster_size: 4096,
        refcount_bits: 16,
        compression_type: 'zlib',
        encryption: 'none',
        snapshot_count: 0,
        lazy_refcounts: false,
        extended_l2: false,
        dirty: false,
        corrupt: false,
        bitmap_count: 0,
      },
    });
  });

  it('describes version 2 without the fields that it has not', () => {
    const patch: Patch = (writer) => writer.u64be(72, 0xffn).u32be(96, 9);
    expect(inspectBytes(qcow2Image({ version: 2, patch }))).toMatchObject({
      subformat: 'v2',
      safe: true,
      metadata: { compat: '0.10', refcount_bits: 16 },
    });
  });

  it('names the backing file and its format', () => {
    const result = inspectBytes(
      qcow2Image({ extensions: [[BACKING_FORMAT, 'raw']], patch: withBackingFile('/etc/passwd') }),
    );
    expect(result.findings).toEqual([
      {
        rule: 'backing-file',
        severity: 'unsafe',
        offset: 8,
        message: 'The image has the backing file "/etc/passwd"',
        hint: 'Flatten it into one file: qemu-img convert -O qcow2 INPUT OUTPUT',
      },
    ]);
    expect(result.metadata).toMatchObject({ backing_file: '/etc/passwd', backing_format: 'raw' });
  });

  it('refuses an external data file without its feature bit', () => {
    const result = inspectBytes(qcow2Image({ extensions: [[DATA_FILE, 'payload.raw']] }));
    expect(brokenRules(result)).toEqual(['data-file']);
    expect(result.metadata['data_file']).toBe('payload.raw');
  });

  it('names an unknown feature by the name that the image gives it', () => {
    const name = `\x00\x11${'harmless\n\x1b[2J'.padEnd(46, '\0')}`;
    const result = inspectBytes(
      qcow2Image({
        extensions: [[FEATURE_NAMES, name]],
        patch: (writer) => writer.u64be(72, 1n << 17n),
      }),
    );
    expect(result.findings.map(({ message }) => message)).toEqual([
      'Incompatible feature bit 17 is set, which the image calls "harmless[2J"',
    ]);
  });

  const hostile: readonly (readonly [string, string, Patch])[] = [
    ['a data file', 'data-file', (writer) => writer.u64be(72, 4n)],
    ['the corrupt bit', 'corrupt-flag', (writer) => writer.u64be(72, 2n)],
    ['feature bit 63', 'unknown-features', (writer) => writer.u64be(72, 1n << 63n)],
    ['version 4', 'unsupported-version', (writer) => writer.u32be(4, 4)],
    ['encryption 3', 'unknown-features', (writer) => writer.u32be(32, 3)],
    ['LUKS without a header', 'header-malformed', (writer) => writer.u32be(32, 2)],
    ['cluster bits 22', 'header-malformed', (writer) => writer.u32be(20, 22)],
    ['refcount order 7', 'header-malformed', (writer) => writer.u32be(96, 7)],
    ['a header length of 96', 'header-malformed', (writer) => writer.u32be(100, 96)],
    ['an L1 table that is too short', 'header-malformed', (writer) => writer.u32be(36, 0)],
    ['an L1 table off its cluster', 'header-malformed', (writer) => writer.u64be(40, 8200)],
    ['an L1 table behind the end', 'outside-file', (writer) => writer.u64be(40, 16384)],
    ['a refcount table behind the end', 'outside-file', (writer) => writer.u64be(48, 2n ** 62n)],
    ['no refcount table', 'header-malformed', (writer) => writer.u32be(56, 0)],
    [
      'a snapshot table behind the end',
      'outside-file',
      (writer) => writer.u32be(60, 1).u64be(64, 16384),
    ],
    ['65537 snapshots', 'header-malformed', (writer) => writer.u32be(60, 65537)],
    ['compression 2', 'unknown-features', (writer) => writer.u64be(72, 8n).u8(104, 2)],
    ['zstd without its bit', 'header-malformed', (writer) => writer.u8(104, 1)],
    ['extended L2 on 4 KiB', 'header-malformed', (writer) => writer.u64be(72, 16n)],
    ['a virtual size of 2^63', 'virtual-size-limit', (writer) => writer.u64be(24, 2n ** 63n)],
  ];

  it.each(hostile)('refuses %s by the rule %s', (_name, rule, patch) => {
    expect(brokenRules(inspectBytes(qcow2Image({ patch })))).toContain(rule);
  });

  it('counts whole sectors, as QEMU does', () => {
    expect(inspectBytes(qcow2Image({ virtualSize: 1_000_100 })).virtualSize).toBe(999_936);
  });

  it('notes the dirty bit, since the image can be read', () => {
    const result = inspectBytes(qcow2Image({ patch: (writer) => writer.u64be(72, 1n) }));
    expect(result).toMatchObject({ safe: true, findings: [{ rule: 'not-closed-cleanly' }] });
  });

  it('refuses a file that ends inside the header', () => {
    expect(brokenRules(inspectBytes(qcow2Image().subarray(0, 103)))).toEqual(['truncated']);
  });
});
