import { describe, expect, it } from 'vitest';
import type { Image, Inspection, TaskContext, TaskResult } from '../../core/api.js';
import { createInspector } from '../../core/format/inspector.js';
import { anImage, silentLog } from '../../core/plugin/testing/index.js';
import { hybridDisc, isoImage } from '../../test/support/images/iso9660.js';
import { luks1Image } from '../../test/support/images/luks.js';
import { gptDisk, mbrDisk } from '../../test/support/images/disk.js';
import { qcow2Image } from '../../test/support/images/qcow2.js';
import { udfImage } from '../../test/support/images/udf.js';
import { vhdFixed } from '../../test/support/images/vhd.js';
import { vmdkSparse, vmdkStream } from '../../test/support/images/vmdk.js';
import { IntrospectConfig } from './introspect-config.js';
import { IntrospectTask } from './introspect-task.js';

function inspected(bytes: Uint8Array): Inspection {
  const inspector = createInspector();
  inspector.update(bytes);
  return inspector.finish();
}

function introspect(
  bytes: Uint8Array,
  image: Partial<Image>,
  config: object = {},
): Promise<TaskResult> {
  const inspection = inspected(bytes);
  const { length: size } = bytes;
  const data = { generation: 0, size, allocatedSize: size, digests: {}, inspection };
  const context = { data, image: anImage(image), log: silentLog } as unknown as TaskContext;
  return new Promise((resolve) => {
    resolve(new IntrospectTask(IntrospectConfig.parse(config)).execute(context));
  });
}

describe('introspect', () => {
  it('publishes what Nova’s VMware driver reads of a stream-optimised VMDK', async () => {
    const { draft } = await introspect(vmdkStream(), { diskFormat: 'vmdk' });
    expect(draft?.properties).toMatchObject({
      vmware_disktype: 'streamOptimized',
      vmware_adaptertype: expect.stringMatching(
        /^(ide|busLogic|lsiLogic|lsiLogicsas|paraVirtual)$/,
      ) as unknown,
      stowage_disk_format: 'vmdk',
      stowage_disk_subformat: 'streamOptimized',
      stowage_disk_cluster_size: '65536',
      stowage_disk_compression_type: 'deflate',
    });
  });

  it('calls a sparse VMDK sparse and leaves the adapter to the user', async () => {
    const properties = { vmware_adaptertype: 'paraVirtual' };
    const { draft } = await introspect(vmdkSparse(), { diskFormat: 'vmdk', properties });
    expect(draft?.properties).toMatchObject({ vmware_disktype: 'sparse' });
    expect(draft?.properties).not.toHaveProperty('vmware_adaptertype');
  });

  it('publishes facts as strings that the Image API takes', async () => {
    for (const [bytes, diskFormat] of [
      [qcow2Image(), 'qcow2'],
      [vhdFixed(new Uint8Array(8192)), 'vhd'],
      [isoImage(), 'iso'],
      [gptDisk(), 'raw'],
      [mbrDisk(), 'raw'],
    ] as const) {
      const { draft } = await introspect(bytes, { diskFormat });
      const properties = Object.entries(draft?.properties ?? {});
      expect(properties).toContainEqual(['stowage_disk_format', diskFormat]);
      for (const [name, value] of properties) {
        expect(name).toMatch(/^stowage_disk_[a-z_]+$/);
        expect(value).toMatch(/^.{1,255}$/s);
      }
    }
  });

  it('tells the partition table of a raw disk', async () => {
    const { draft } = await introspect(gptDisk(), {});
    expect(draft?.properties).toMatchObject({ stowage_disk_partition_table: 'gpt' });
  });

  it('removes facts of bytes that the image had before', async () => {
    const properties = { stowage_disk_creator: 'somebody', other: 'kept' };
    const { draft } = await introspect(gptDisk(), { properties });
    expect(draft?.properties).toMatchObject({ stowage_disk_creator: null });
    expect(draft?.properties).not.toHaveProperty('other');
  });

  it('publishes nothing where that is switched off', async () => {
    expect(await introspect(gptDisk(), {}, { properties: false })).toMatchObject({ draft: {} });
  });

  it.each([
    ['qcow2', qcow2Image(), 'raw', 'bare', true],
    ['raw', gptDisk(), 'qcow2', 'bare', true],
    ['raw', gptDisk(), 'raw', 'bare', false],
    ['qcow2', qcow2Image(), 'qcow2', 'bare', false],
    ['an encrypted disk', luks1Image(), 'raw', 'bare', false],
    ['a disc', isoImage(), 'iso', 'bare', false],
    ['a disc', isoImage(), 'raw', 'bare', true],
    ['a disc with a partition table', hybridDisc(), 'iso', 'bare', false],
    ['a disc with a partition table', hybridDisc(), 'raw', 'bare', false],
    ['UDF', udfImage(), 'iso', 'bare', false],
    ['UDF', udfImage(), 'raw', 'bare', false],
    ['UDF and ISO 9660', udfImage({ bridge: true }), 'raw', 'bare', false],
    ['UDF', udfImage(), 'qcow2', 'bare', true],
    ['raw', gptDisk(), 'ami', 'bare', false],
    ['qcow2', qcow2Image(), 'vmdk', 'ova', false],
  ] as const)(
    'holds %s against %s %s %s',
    async (_, bytes, diskFormat, containerFormat, refused) => {
      const image = { diskFormat, containerFormat };
      const judged = introspect(bytes, image);
      if (refused) {
        await expect(judged).rejects.toMatchObject({ class: 'rejected', code: 'FORMAT_MISMATCH' });
        const { draft } = await introspect(bytes, image, { mismatch: 'correct' });
        expect(draft?.diskFormat).toBe(inspected(bytes).format);
      } else expect((await judged).draft).not.toHaveProperty('diskFormat');
      const { draft } = await introspect(bytes, image, { mismatch: 'ignore' });
      expect(draft).not.toHaveProperty('diskFormat');
    },
  );

  it('refuses what no disk_format stands for, whatever the config', async () => {
    const gzip = Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, ...new Uint8Array(1000)]);
    await expect(
      introspect(gzip, { diskFormat: 'qcow2' }, { mismatch: 'correct' }),
    ).rejects.toMatchObject({ code: 'FORMAT_MISMATCH' });
  });
});
