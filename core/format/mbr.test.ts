import { describe, expect, it } from 'vitest';
import { mbrDisk } from '../../test/support/images/disk.js';
import { inspectBytes } from '../../test/support/images/inspect.js';

describe('mbr', () => {
  it('describes a disk', () => {
    const bytes = mbrDisk([{ indicator: 0x80 }, { type: 5, first: 200 }]);
    expect(inspectBytes(bytes)).toMatchObject({
      subformat: 'mbr',
      findings: [],
      metadata: { partition_table: 'mbr', partition_count: 2, disk_signature: '12345678' },
    });
  });

  it.each([
    ['no partition', []],
    ['a partition without sectors', [{ sectors: 0 }]],
    ['a boot indicator of 7F', [{ indicator: 0x7f }]],
    ['two active partitions', [{ indicator: 0x80 }, { indicator: 0x80 }]],
  ])('does not take a boot sector with %s for a table', (_name, partitions) => {
    expect(inspectBytes(mbrDisk(partitions))).toMatchObject({ format: 'raw', metadata: {} });
  });

  it('notes a partition that ends behind the image', () => {
    const result = inspectBytes(mbrDisk([{ first: 2000, sectors: 49 }]));
    expect(result).toMatchObject({ safe: true, findings: [{ rule: 'partition-table' }] });
  });
});
