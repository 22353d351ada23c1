import { describe, expect, it } from 'vitest';
import { fileSystem, gptDisk, mbrDisk } from '../../test/support/images/disk.js';
import { brokenRules, inspectBytes } from '../../test/support/images/inspect.js';
import { hybridDisc, isoImage } from '../../test/support/images/iso9660.js';
import { qcow2Image, withBackingFile } from '../../test/support/images/qcow2.js';
import { vhdDynamic, vhdFixed } from '../../test/support/images/vhd.js';
import { vmdkDescriptor, vmdkSparse } from '../../test/support/images/vmdk.js';
import { combine } from './combine.js';
import type { Verdict } from './frame.js';

const policy = { relaxedRules: new Set<string>(), maxVirtualSize: Number.MAX_SAFE_INTEGER };

describe('combine', () => {
  it('refuses a disc that is a qcow2 too', () => {
    const bytes = isoImage();
    bytes.set(qcow2Image(), 0);
    const result = inspectBytes(bytes);
    expect(result.format).toBe('qcow2');
    expect(result.findings).toEqual([
      expect.objectContaining({
        rule: 'multiple-formats',
        offset: 32769,
        message: 'The bytes are "qcow2" and, by what stands at offset 32769, "iso" too',
      }),
    ]);
  });

  it('refuses a qcow2 in a fixed VHD', () => {
    expect(brokenRules(inspectBytes(vhdFixed(qcow2Image())))).toEqual(['multiple-formats']);
  });

  it('refuses a VMDK descriptor in an MBR', () => {
    const bytes = mbrDisk();
    bytes.set(Buffer.from(vmdkDescriptor()), 0);
    expect(brokenRules(inspectBytes(bytes))).toContain('multiple-formats');
  });

  it('refuses a VMDK with a ZIP archive behind it', () => {
    const zip = Buffer.alloc(68);
    zip.write('PK\x01\x02', 0, 'latin1');
    zip.write('PK\x05\x06', 46, 'latin1');
    zip.writeUInt16LE(1, 54);
    zip.writeUInt16LE(1, 56);
    zip.writeUInt32LE(46, 58);
    expect(brokenRules(inspectBytes(Buffer.concat([vmdkSparse(), zip])))).toEqual([
      'multiple-formats',
    ]);
  });

  it('refuses a dynamic VHD that starts with a partition table', () => {
    const bytes = vhdDynamic();
    bytes.set(mbrDisk().subarray(446, 512), 446);
    expect(brokenRules(inspectBytes(bytes))).toContain('multiple-formats');
  });

  it('takes a disc with a partition table for a disc', () => {
    expect(inspectBytes(hybridDisc())).toMatchObject({
      format: 'iso',
      safe: true,
      metadata: { partition_table: 'mbr', volume_id: 'STOWAGE' },
    });
  });

  it('takes a partitioned disk in a fixed VHD for a VHD', () => {
    expect(inspectBytes(vhdFixed(gptDisk()))).toMatchObject({
      format: 'vhd',
      subformat: 'fixed',
      safe: true,
      metadata: { partition_table: 'gpt', type: 'fixed' },
    });
  });

  it('does not take the last sector of a guest in a last cluster for a second format', () => {
    const bytes = gptDisk();
    bytes.fill(0, 0, bytes.length / 2).set(qcow2Image(), 0);
    expect(inspectBytes(bytes).safe).toBe(true);
  });

  it.each(['ntfs', 'fat16', 'exfat'] as const)('takes a %s file system for raw', (kind) => {
    expect(inspectBytes(fileSystem(kind))).toMatchObject({
      format: 'raw',
      safe: true,
      metadata: {},
    });
  });

  it('makes a relaxed rule a note', () => {
    const bytes = qcow2Image({ patch: withBackingFile('base.img') });
    const result = inspectBytes(bytes, 4096, { relaxedRules: new Set(['backing-file']) });
    expect(result.safe).toBe(true);
    expect(result.findings).toEqual([
      expect.objectContaining({ rule: 'backing-file', severity: 'note', relaxed: true }),
    ]);
  });

  it('refuses what is above the highest virtual size', () => {
    const result = inspectBytes(qcow2Image(), 4096, { maxVirtualSize: 1024 * 1024 - 1 });
    expect(result.findings).toEqual([
      expect.objectContaining({
        rule: 'virtual-size-limit',
        offset: 24,
        message: 'The virtual size is 1048576 bytes, the limit is 1048575',
      }),
    ]);
  });

  it('leaves a virtual size out that a number cannot hold', () => {
    const verdict: Verdict = {
      format: 'qcow2',
      layer: 'image',
      signatureAt: 0,
      virtualSize: { bytes: 2 ** 63, offset: 24 },
      findings: [],
      metadata: {},
    };
    const result = combine([verdict], 10, policy);
    expect(result).not.toHaveProperty('virtualSize');
    expect(brokenRules(result)).toEqual(['virtual-size-limit']);
  });

  it('refuses the bytes that an inspector failed on', () => {
    const failed: Verdict = {
      format: 'qcow2',
      layer: 'none',
      signatureAt: 0,
      findings: [
        { rule: 'inspector-failed', severity: 'unsafe', offset: 0, message: 'Failed', hint: '' },
      ],
      metadata: {},
    };
    const result = combine([failed], 512, policy);
    expect({ format: result.format, safe: result.safe }).toEqual({ format: 'raw', safe: false });
  });
});
