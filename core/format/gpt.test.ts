import { describe, expect, it } from 'vitest';
import { GUID, gptDisk } from '../../test/support/images/disk.js';
import { inspectBytes } from '../../test/support/images/inspect.js';

const metadata = {
  partition_table: 'gpt',
  partition_count: 1,
  disk_guid: GUID,
  sector_size: 512,
};

describe('gpt', () => {
  it('describes a disk', () => {
    expect(inspectBytes(gptDisk())).toEqual({
      format: 'raw',
      subformat: 'gpt',
      virtualSize: 1048576,
      size: 1048576,
      safe: true,
      findings: [],
      metadata,
    });
  });

  it('reads the backup where the primary header is damaged', () => {
    const bytes = gptDisk();
    bytes[520] = 0xff;
    expect(inspectBytes(bytes)).toMatchObject({
      subformat: 'gpt',
      safe: true,
      findings: [{ rule: 'partition-table', severity: 'note' }],
      metadata,
    });
  });

  it('notes damaged entries and a disk that is cut', () => {
    const bytes = gptDisk();
    bytes[1024 + 60] = 0xff;
    const result = inspectBytes(bytes.subarray(0, 524288));
    expect(result.safe).toBe(true);
    expect(result.findings.map(({ message }) => message)).toEqual([
      'The entries of the GPT do not match their checksum',
      'The GPT is for a disk of 1048576 bytes, the image has 524288',
    ]);
  });
});
