import { describe, expect, it } from 'vitest';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { mbrDisk } from '../../test/support/images/disk.js';
import { qcow2Image } from '../../test/support/images/qcow2.js';
import { UDF_AT, udfImage } from '../../test/support/images/udf.js';
import type { Patch } from '../../test/support/images/writer.js';

const METADATA = { udf_volume_id: 'STOWAGE', udf_revision: '1.02' };

describe('udf', () => {
  it.each([512, 2048] as const)('describes a volume with sectors of %i bytes', (sectorSize) => {
    expect(inspectBytes(udfImage({ sectorSize }), 5000)).toEqual({
      format: 'iso',
      subformat: 'udf',
      virtualSize: 300 * sectorSize,
      size: 300 * sectorSize,
      safe: true,
      findings: [],
      metadata: { ...METADATA, udf_sector_size: sectorSize },
    });
  });

  it('takes a disc of UDF and ISO 9660 for one disc', () => {
    expect(inspectBytes(udfImage({ bridge: true }))).toMatchObject({
      format: 'iso',
      subformat: 'iso9660+udf',
      safe: true,
      metadata: { ...METADATA, volume_id: 'STOWAGE', joliet: true },
    });
  });

  it('takes a partition table before it for its own, and another format not', () => {
    const stick = udfImage({ patch: (writer) => writer.set(0, mbrDisk().subarray(0, 512)) });
    expect(inspectBytes(stick)).toMatchObject({ safe: true, metadata: { partition_table: 'mbr' } });
    const hidden = udfImage({ patch: (writer) => writer.set(0, qcow2Image().subarray(0, 16384)) });
    expect(brokenRules(inspectBytes(hidden))).toContain('multiple-formats');
  });

  it('reads a volume whose anchor is the last sector alone', () => {
    const bytes = udfImage();
    bytes.fill(0, UDF_AT.anchor, UDF_AT.anchor + 512);
    expect(inspectBytes(bytes)).toMatchObject({ safe: true, metadata: { udf_sector_size: 2048 } });
  });

  it('takes the identifier alone, without a begin, for none', () => {
    const bytes = udfImage({ patch: (writer) => writer.text(32769, 'XXXXX') });
    expect(inspectBytes(bytes).format).toBe('raw');
  });

  const hostile: readonly (readonly [string, string, Patch])[] = [
    [
      'main descriptors behind the end',
      'outside-file',
      (writer) => writer.u32le(UDF_AT.anchor + 20, 2 ** 31),
    ],
    [
      'reserve descriptors behind the end',
      'outside-file',
      (writer) => writer.u32le(UDF_AT.anchor + 28, 2 ** 31),
    ],
    ['anchors that differ', 'copies-differ', (writer) => writer.u32le(UDF_AT.last + 20, 33)],
    [
      'a partition behind the end',
      'truncated',
      (writer) => writer.u32le(UDF_AT.main + 2048 + 192, 181),
    ],
  ];

  it.each(hostile)('refuses %s by the rule %s', (_name, rule, patch) => {
    expect(brokenRules(inspectBytes(udfImage({ patch })))).toContain(rule);
  });

  it('allows the run-out of a partition', () => {
    const patch: Patch = (writer) => writer.u32le(UDF_AT.main + 2048 + 192, 180);
    expect(brokenRules(inspectBytes(udfImage({ patch })))).toEqual([]);
  });

  it('refuses a descriptor that does not match its checksum', () => {
    const bytes = udfImage();
    bytes[UDF_AT.main + 30] = 1;
    expect(inspectBytes(bytes).findings).toEqual([
      expect.objectContaining({ rule: 'header-checksum', offset: UDF_AT.main }),
    ]);
  });

  it('refuses a volume without an anchor, and one that ends before it', () => {
    const bytes = udfImage();
    for (const at of [UDF_AT.anchor, UDF_AT.last]) bytes.fill(0, at, at + 512);
    expect(brokenRules(inspectBytes(bytes))).toEqual(['header-malformed']);
    expect(brokenRules(inspectBytes(bytes.subarray(0, UDF_AT.anchor)))).toEqual(['truncated']);
  });
});
