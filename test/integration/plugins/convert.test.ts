import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Image } from '../../../core/api.js';
import { taskContext } from '../../../core/plugin/testing/index.js';
import { ConvertConfig } from '../../../plugins/convert/convert-config.js';
import { ConvertTask } from '../../../plugins/convert/convert-task.js';
import { readersOf } from '../../support/open-files.js';
import { assertSameDisk, diskFile } from '../../support/qemu-files.js';
import { realQemuImg } from '../../support/real-qemu-img.js';
import { tempDir } from '../../support/temp-dir.js';

const MIB = 2 ** 20;

const SOURCES: readonly (readonly [format: string, options: readonly string[]])[] = [
  ['raw', []],
  ['qcow2', []],
  ['qcow2', ['-c']],
  ['qcow2', ['cluster_size=512']],
  ['vmdk', ['subformat=monolithicSparse']],
  ['vmdk', ['subformat=streamOptimized']],
  ['vhd', ['subformat=dynamic,force_size=on']],
  ['vhd', ['subformat=fixed,force_size=on']],
  ['vhdx', []],
  ['vdi', []],
];

const TARGETS: readonly (readonly [name: string, config: object, format: string])[] = [
  ['raw', { output_format: 'raw' }, 'raw'],
  ['qcow2', { output_format: 'qcow2' }, 'qcow2'],
  [
    'compressed qcow2',
    {
      output_format: 'qcow2',
      qcow2: { compression: true, compression_type: 'zstd', cluster_size: '128 KiB' },
    },
    'qcow2',
  ],
  ['vdi', { output_format: 'vdi' }, 'vdi'],
  ['stream-optimised vmdk', { output_format: 'vmdk' }, 'vmdk'],
  ['sparse vmdk', { output_format: 'vmdk', vmdk: { subformat: 'monolithicSparse' } }, 'vmdk'],
  ['dynamic vhd', { output_format: 'vhd' }, 'vhd'],
  ['fixed vhd', { output_format: 'vhd', vhd: { subformat: 'fixed' } }, 'vhd'],
  ['vhdx', { output_format: 'vhdx' }, 'vhdx'],
];

/** Lets the L1 table of a new qcow2 count as free; `qemu-nbd` serves the disk all the same. */
async function loseRefcount(file: string): Promise<void> {
  // Header, refcount table, refcount block (16 bits for each cluster), L1 table.
  const cluster = 65_536;
  await using handle = await open(file, 'r+');
  await handle.write(Buffer.from([0, 0]), 0, 2, 2 * cluster + 2 * 3);
}

function convert(config: object): ConvertTask {
  return new ConvertTask(ConvertConfig.parse(config), realQemuImg());
}

describe('convert', () => {
  describe.each(SOURCES)('from %s %j', (format, options) => {
    it.each(TARGETS)('to %s keeps every byte, within the workspace', async (_, config, wanted) => {
      await using dir = await tempDir();
      const file = await diskFile(path.join(dir.path, 'disk'), format, options);
      const image = { diskFormat: format as Image['diskFormat'] };
      await using context = await taskContext({ data: file, image });
      const task = convert(config);
      if (task.skipReason(context) !== undefined) {
        expect(format).toBe(wanted);
        return;
      }
      const claimed = task.workspace(context);
      const { draft, virtualSize } = await task.execute(context);
      const made = context.made[0];
      expect(made?.data.inspection).toMatchObject({ format: wanted, safe: true });
      // What is staged is reserved as it comes.
      if (made?.by === 'adopt') expect(made.data.allocatedSize).toBeLessThanOrEqual(claimed);
      else expect(claimed).toBe(0);
      expect(virtualSize).toBe(8 * MIB);
      expect(draft).toMatchObject({
        diskFormat: wanted,
        containerFormat: 'bare',
        properties: {
          stowage_source_disk_format: format,
          stowage_source_size: String(context.data?.size),
          stowage_source_sha512: context.data?.digests['sha512'],
        },
      });
      await assertSameDisk([file, format], [made?.file ?? '', wanted]);
    });
  });

  it('makes compressed clusters of the kind and size that are configured', async () => {
    await using dir = await tempDir();
    const file = await diskFile(path.join(dir.path, 'disk'), 'raw');
    await using context = await taskContext({ data: file });
    await convert(TARGETS[2]?.[1] ?? {}).execute(context);
    expect(context.made[0]?.data.inspection.metadata).toMatchObject({
      cluster_size: 128 * 1024,
      compression_type: 'zstd',
    });
  });

  it('rounds a VHD up to whole MiB', async () => {
    await using dir = await tempDir();
    const file = await diskFile(path.join(dir.path, 'disk'), 'raw', [], 8 * MIB - 512 * 3);
    for (const subformat of ['fixed', 'dynamic']) {
      await using context = await taskContext({ data: file });
      const { virtualSize } = await convert({ output_format: 'vhd', vhd: { subformat } }).execute(
        context,
      );
      expect(virtualSize).toBe(8 * MIB);
      await assertSameDisk([file, 'raw'], [context.made[0]?.file ?? '', 'vhd']);
    }
  });

  it('renews what introspect has published', async () => {
    await using dir = await tempDir();
    const options = ['subformat=streamOptimized'];
    const file = await diskFile(path.join(dir.path, 'disk'), 'vmdk', options);
    const properties = {
      stowage_disk_format: 'vmdk',
      stowage_disk_cluster_size: '65536',
      vmware_disktype: 'streamOptimized',
      vmware_adaptertype: 'ide',
    };
    await using context = await taskContext({
      data: file,
      image: { diskFormat: 'vmdk', properties },
    });
    const { draft } = await convert({ output_format: 'raw' }).execute(context);
    expect(draft?.properties).toMatchObject({
      stowage_disk_format: 'raw',
      stowage_disk_cluster_size: null,
      vmware_disktype: null,
      vmware_adaptertype: null,
    });
  });

  it.each([
    ['sparse', 'ide', 'lsiLogic'],
    ['sparse', 'paraVirtual', 'paraVirtual'],
  ])('renews what a VMDK of type %s with adapter %s says', async (type, adapter, expected) => {
    await using dir = await tempDir();
    const options = ['subformat=monolithicSparse', 'adapter_type=ide'];
    const file = await diskFile(path.join(dir.path, 'disk'), 'vmdk', options);
    const properties = { vmware_disktype: type, vmware_adaptertype: adapter };
    const image = { diskFormat: 'vmdk', properties } as const;
    await using streamed = await taskContext({ data: file, image });
    const { draft } = await convert({ output_format: 'vmdk' }).execute(streamed);
    const { vmware_adaptertype: renewed = adapter, ...others } = draft?.properties ?? {};
    expect(renewed).toBe(expected);
    expect(others).toMatchObject({ vmware_disktype: 'streamOptimized' });
    expect(others).not.toHaveProperty('stowage_disk_format');
  });

  it('refuses a disk that begins with another disk', async () => {
    await using dir = await tempDir();
    const inner = await diskFile(path.join(dir.path, 'inner'), 'qcow2');
    await using nested = await taskContext({ data: inner });
    // The inner file is taken for a raw disk, as an attacker would wrap it.
    const raw = nested.data && {
      ...nested.data,
      inspection: {
        ...nested.data.inspection,
        format: 'raw',
        virtualSize: nested.data.size,
        metadata: {},
      },
    };
    Object.assign(nested, { data: raw });
    await convert({ output_format: 'qcow2' }).execute(nested);
    const outer = nested.made[0]?.file ?? '';
    await using context = await taskContext({ data: outer, image: { diskFormat: 'qcow2' } });
    await expect(convert({ output_format: 'raw' }).execute(context)).rejects.toMatchObject({
      class: 'rejected',
      code: 'NESTED_FORMAT',
    });
  });

  it('lets go of a disk that the check refuses', async () => {
    await using dir = await tempDir();
    const file = await diskFile(path.join(dir.path, 'disk'), 'qcow2');
    await loseRefcount(file);
    await using context = await taskContext({ data: file, image: { diskFormat: 'qcow2' } });
    await expect(convert({ output_format: 'raw' }).execute(context)).rejects.toMatchObject({
      code: 'IMAGE_DAMAGED',
    });
    expect(context.made).toEqual([]);
    expect(await readersOf(context.dataPath())).toEqual([]);
  });

  it('stops at once when it is asked to', async () => {
    await using dir = await tempDir();
    const file = await diskFile(path.join(dir.path, 'disk'), 'qcow2', [], 2 ** 30);
    const controller = new AbortController();
    await using context = await taskContext({
      data: file,
      image: { diskFormat: 'qcow2' },
      signal: controller.signal,
    });
    setImmediate(() => {
      controller.abort(new Error('asked to stop'));
    });
    await expect(convert({}).execute(context)).rejects.toThrow('asked to stop');
  });

  it('skips a disk of no bytes, which qemu-img cannot write as VMDK', async () => {
    await using dir = await tempDir();
    const data = path.join(dir.path, 'disk');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', data, '0']);
    await using context = await taskContext({ data, image: { diskFormat: 'qcow2' } });
    expect(convert({ output_format: 'vmdk' }).skipReason(context)).toBe('The image is empty');
  });

  it.each([
    ['no bytes', {}, undefined, 'no bytes'],
    ['another container', { containerFormat: 'ova' }, 'raw', 'container_format is ova'],
    ['an ISO', { diskFormat: 'iso' }, 'raw', 'disk_format iso'],
    ['the wanted format', {}, 'raw', 'raw already'],
  ] as const)('skips %s', async (_, image, format, reason) => {
    await using dir = await tempDir();
    const data = format && (await diskFile(path.join(dir.path, 'disk'), format));
    await using context = await taskContext({ image, ...(data === undefined ? {} : { data }) });
    expect(convert({ output_format: 'raw' }).skipReason(context)).toContain(reason);
  });
});
