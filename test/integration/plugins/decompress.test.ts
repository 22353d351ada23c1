import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Image, TaskResult } from '../../../core/api.js';
import { taskContext } from '../../../core/plugin/testing/index.js';
import { DecompressConfig } from '../../../plugins/decompress/decompress-config.js';
import { DecompressTask } from '../../../plugins/decompress/decompress-task.js';
import { gptDisk } from '../../support/images/disk.js';
import { ovaPackage } from '../../support/images/ova.js';
import { qcow2Image } from '../../support/images/qcow2.js';
import { vmdkStream } from '../../support/images/vmdk.js';
import { zipArchive } from '../../support/images/zip.js';
import { realPrograms } from '../../support/real-qemu-img.js';

const MIB = 2 ** 20;
const disk = gptDisk();

function by(program: string, ...args: string[]): (bytes: Uint8Array) => Buffer {
  return (input) => execFileSync(program, args, { input, maxBuffer: 2 ** 30 });
}
const xz = by('xz', '-c');
const zstd = by('zstd', '-qc');
const bzip2 = by('bzip2', '-c');
const lzma = by('xz', '-c', '--format=lzma');

interface Unpacked {
  readonly bytes: Buffer | undefined;
  readonly skipped: string | undefined;
  readonly result: TaskResult;
}

async function unpack(
  data: Uint8Array,
  image: Partial<Image> = {},
  config: object = {},
): Promise<Unpacked> {
  await using context = await taskContext({ data, image });
  const task = new DecompressTask(DecompressConfig.parse(config), realPrograms());
  const skipped = task.skipReason(context);
  if (skipped !== undefined) return { skipped, bytes: undefined, result: {} };
  const result = await task.execute(context);
  const [made] = context.made;
  return { skipped, result, bytes: made && (await readFile(made.file)) };
}

describe('decompress', () => {
  it.each([
    ['gz', gzipSync(disk)],
    ['xz', xz(disk)],
    ['zst', zstd(disk)],
    ['bz2', bzip2(disk)],
    ['lzma', lzma(disk)],
    ['zip', zipArchive({ content: disk })],
    ['zip', zipArchive({ content: disk, stored: true })],
    ['gz', Buffer.concat([gzipSync(disk.subarray(0, 1000)), gzipSync(disk.subarray(1000))])],
    ['xz', Buffer.concat([xz(disk.subarray(0, 1000)), xz(disk.subarray(1000))])],
    ['zst', Buffer.concat([zstd(disk.subarray(0, 1000)), zstd(disk.subarray(1000))])],
    ['bz2', Buffer.concat([bzip2(disk.subarray(0, 1000)), bzip2(disk.subarray(1000))])],
    ['xz>gz', xz(gzipSync(disk))],
    ['zip>gz', zipArchive({ content: gzipSync(disk), stored: true })],
  ])('unpacks %s to the last byte and says what was sent', async (layers, data) => {
    const { bytes, result } = await unpack(data);
    expect(bytes?.equals(disk)).toBe(true);
    expect(result.draft).toEqual({
      containerFormat: 'bare',
      properties: {
        stowage_packed_format: layers,
        stowage_packed_size: String(data.length),
        stowage_packed_md5: createHash('md5').update(data).digest('hex'),
        stowage_packed_sha512: createHash('sha512').update(data).digest('hex'),
      },
    });
  });

  it.each([
    ['', vmdkStream(), {}],
    ['>gz', gzipSync(vmdkStream()), { file: 'ovf:compression="gzip"' }],
  ])('unpacks the disk of an OVA%s and tells of the machine', async (more, inside, ovf) => {
    const data = ovaPackage({ disk: inside, manifest: 'last', ovf });
    const properties = { hw_firmware_type: 'bios' };
    const { bytes, result } = await unpack(data, { containerFormat: 'ova', properties });
    expect(bytes?.equals(vmdkStream())).toBe(true);
    expect(result.draft?.containerFormat).toBe('bare');
    const published = result.draft?.properties;
    expect(published).toMatchObject({
      stowage_packed_format: `ova${more}`,
      stowage_ovf_cpus: '2',
      stowage_ovf_memory_mib: '1024',
      stowage_ovf_os_type: 'ubuntu64Guest',
      vmware_ostype: 'ubuntu64Guest',
    });
    expect(published).not.toHaveProperty('hw_firmware_type');
  });

  it.each([
    ['a disk', disk, {}, {}],
    ['what says that it is compressed', gzipSync(disk), { containerFormat: 'compressed' }, {}],
    ['a ramdisk', gzipSync(disk), { diskFormat: 'ari', containerFormat: 'ari' }, {}],
    ['an OVA that is to stay', ovaPackage(), { containerFormat: 'ova' }, { keep: ['ova'] }],
    ['an OVA of two disks', ovaPackage({ ovf: { disks: '<Disk/><Disk/>' } }), {}, {}],
  ] as const)('leaves %s alone', async (_, data, image: Partial<Image>, config: object) => {
    expect((await unpack(data, image, config)).skipped).toMatch(/./);
  });

  const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
    Uint8Array.from(bytes, (byte, index) => (index === bytes.length + at ? byte ^ 1 : byte));

  it.each([
    ['a gz that is cut', gzipSync(disk).subarray(0, -5)],
    ['a gz whose checksum is wrong', flipped(gzipSync(disk), -8)],
    ['a gz with something behind it', Buffer.concat([gzipSync(disk), Buffer.from('something')])],
    ['a bz2 that is cut', bzip2(disk).subarray(0, -5)],
    ['a zst that is cut', zstd(disk).subarray(0, -5)],
    ['an lzma that is cut', lzma(disk).subarray(0, -5)],
    ['a damaged xz', flipped(xz(disk), -60)],
    ['a zip whose data is damaged', zipArchive({ content: disk, patch: (w) => w.u8(60, 0x55) })],
    [
      'a stored zip whose data is damaged',
      flipped(zipArchive({ content: disk, stored: true }), -99),
    ],
  ])('refuses %s', async (_, data) => {
    await expect(unpack(data)).rejects.toMatchObject({
      class: 'rejected',
      code: 'CONTAINER_DAMAGED',
    });
  });

  it('refuses a zip that lies about the size of what it holds', async () => {
    const content = Buffer.alloc(100_000);
    for (const told of [99_999, 100_001]) {
      const at = zipArchive({ content }).length - 22 - 46 - 'disk.raw'.length + 24;
      const data = zipArchive({ content, patch: (w) => w.u32le(22, told).u32le(at, told) });
      await expect(unpack(data)).rejects.toMatchObject({ code: 'CONTAINER_DAMAGED' });
    }
  });

  it('stops a bomb at the ceiling, in size, in ratio and in layers', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * MIB));
    await expect(unpack(bomb, {}, { max_size: '1 MiB' })).rejects.toMatchObject({
      code: 'UNPACKED_TOO_LARGE',
      details: { setting: 'max_size', limit: MIB },
    });
    const byRatio = { ratio_from: '1 MiB', max_ratio: 100 };
    await expect(unpack(bomb, {}, byRatio)).rejects.toMatchObject({
      code: 'UNPACKED_TOO_LARGE',
      details: { setting: 'max_ratio', limit: 100 * bomb.length },
    });
    await expect(unpack(gzipSync(gzipSync(bomb)))).rejects.toMatchObject({
      code: 'TOO_MANY_LAYERS',
      details: { layers: ['gz', 'gz', 'gz'] },
    });
    const told = zipArchive({ content: Buffer.alloc(2 * MIB) });
    await expect(unpack(told, {}, { max_size: '1 MiB' })).rejects.toMatchObject({
      code: 'UNPACKED_TOO_LARGE',
    });
  });

  it('does not take a disk for packed that begins with text', async () => {
    const text = Buffer.from('BZh9 is no compression here, nor is it text of a header'.repeat(99));
    expect((await unpack(gzipSync(text))).bytes?.equals(text)).toBe(true);
    expect((await unpack(gzipSync('x'))).bytes?.toString()).toBe('x');
  });

  it('hands an image on that is unsafe, so that its inspection refuses it', async () => {
    const { result } = await unpack(gzipSync(qcow2Image()), { diskFormat: 'qcow2' });
    expect(result.output).toMatchObject({ format: 'qcow2', layers: ['gz'] });
  });
});
