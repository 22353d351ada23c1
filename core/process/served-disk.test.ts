import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectFile } from '../format/inspector.js';
import { readersOf } from '../../test/support/open-files.js';
import { tempDir } from '../../test/support/temp-dir.js';
import type { GuestDisk } from '../plugin/contract/services.js';
import { createPrograms } from './programs.js';
import { createQemuImg } from './qemu-img.js';

const MIB = 1024 * 1024;
const VIRTUAL_SIZE = 24 * MIB + 512;
const KINDS = [
  ['qcow2', 'qcow2', []],
  ['qcow2', 'qcow2', ['-c']],
  ['vdi', 'vdi', []],
  ['vhd', 'vpc', ['-o', 'force_size=on']],
  ['vhdx', 'vhdx', []],
  ['vmdk', 'vmdk', []],
  ['vmdk', 'vmdk', ['-o', 'subformat=streamOptimized']],
] as const;

const config = { confinement: 'bubblewrap', addressSpace: 1024 * MIB, niceness: 0 } as const;
const qemuImg = createQemuImg(
  createPrograms(config, () => undefined),
  config,
);

let dir: Awaited<ReturnType<typeof tempDir>>;
let raw: string;
beforeAll(async () => {
  dir = await tempDir();
  raw = path.join(dir.path, 'source.raw');
  await using file = await open(raw, 'w');
  await file.truncate(VIRTUAL_SIZE);
  await file.write(randomBytes(3 * MIB), 0, 3 * MIB, 0);
  await file.write(randomBytes(5 * MIB), 0, 5 * MIB, 11 * MIB + 4096);
  await file.write(randomBytes(512), 0, 512, 24 * MIB);
});
afterAll(async () => {
  await dir[Symbol.asyncDispose]();
});

function makeImage(driver: string, options: readonly string[]): string {
  const image = path.join(dir.path, randomBytes(4).toString('hex'));
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', driver, ...options, raw, image]);
  return image;
}

async function openDisk(image: string, signal = new AbortController().signal, below = 'work') {
  const directory = path.join(dir.path, `${randomBytes(4).toString('hex')}-${below}`);
  await mkdir(directory);
  const inspection = await inspectFile(image);
  return qemuImg.open({ source: { path: image, inspection }, directory, signal });
}

/** Reads all of a disk, several pieces at once, and closes it. */
async function digest(disk: GuestDisk): Promise<string> {
  const bytes = Buffer.alloc(disk.size, 'x');
  try {
    for (let from = 0; from < disk.size; from += 4 * MIB) {
      const starts = [0, 1, 2, 3].map((piece) => from + piece * MIB);
      await Promise.all(
        starts
          .filter((start) => start < disk.size)
          .map((start) => disk.read(bytes.subarray(start, start + MIB), start)),
      );
    }
  } finally {
    await disk.close();
  }
  return createHash('sha256').update(bytes).digest('hex');
}

describe('the disk in an image', () => {
  it.each(KINDS)('of %s (%s %j) is read as the guest sees it', async (_, driver, options) => {
    const image = makeImage(driver, options);
    const disk = await openDisk(image);
    const wanted = createHash('sha256').update(await readFile(raw));
    if (disk.size > VIRTUAL_SIZE) wanted.update(Buffer.alloc(disk.size - VIRTUAL_SIZE));
    expect(await digest(disk)).toBe(wanted.digest('hex'));
    expect(disk.size - VIRTUAL_SIZE).toBeLessThan(MIB);
    expect(await readersOf(image)).toEqual([]);
  });

  it('is read below a path that is longer than the name of a socket', async () => {
    const image = makeImage('qcow2', []);
    const disk = await openDisk(image, undefined, 'w'.repeat(120));
    expect(disk.size).toBe(VIRTUAL_SIZE);
    await disk.close();
  });

  it('of nothing but zeros leaves nothing of what was in the memory before', async () => {
    const image = path.join(dir.path, 'zeros');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '8M']);
    expect(await digest(await openDisk(image))).toBe(
      createHash('sha256')
        .update(Buffer.alloc(8 * MIB))
        .digest('hex'),
    );
  });

  it('is let go of when it is closed in the middle of a read, and writes into no memory any more', async () => {
    const image = makeImage('qcow2', []);
    const disk = await openDisk(image);
    const target = new Uint8Array(new SharedArrayBuffer(3 * MIB)).fill(1);
    const reading = expect(disk.read(target, 0)).rejects.toThrow('closed');
    await disk.close();
    await reading;
    const then = createHash('sha256').update(target).digest('hex');
    expect(await readersOf(image)).toEqual([]);
    expect(createHash('sha256').update(target).digest('hex')).toBe(then);
    await expect(disk.read(target, 0)).rejects.toThrow('closed');
  });

  it('breaks with the reason of the signal', async () => {
    const image = makeImage('qcow2', []);
    const controller = new AbortController();
    const disk = await openDisk(image, controller.signal);
    controller.abort(new Error('enough'));
    await expect(digest(disk)).rejects.toThrow('enough');
    expect(await readersOf(image)).toEqual([]);
  });

  it('that cannot be read says where, and keeps the bytes it has from being taken for all', async () => {
    const image = makeImage('qcow2', ['-c']);
    const bytes = await readFile(image);
    // Behind the tables lie the compressed clusters.
    bytes.fill(0xff, bytes.length - 2 * MIB);
    await writeFile(image, bytes);
    await expect(digest(await openDisk(image))).rejects.toMatchObject({
      class: 'permanent',
      code: 'DISK_UNREADABLE',
      message: expect.stringMatching(
        /from byte \d+ on: .*(?:Input\/output error|Invalid argument)/,
      ) as string,
    });
    expect(await readersOf(image)).toEqual([]);
  });

  it('is not opened where the image is not safe', async () => {
    const image = path.join(dir.path, 'overlay');
    execFileSync('qemu-img', [
      ...['create', '-q', '-f', 'qcow2', '-F', 'raw'],
      ...['-b', raw, image],
    ]);
    await expect(openDisk(image)).rejects.toMatchObject({ code: 'UNSAFE_IMAGE' });
  });

  it('is not served where the image is gone, and the program says so', async () => {
    const image = makeImage('qcow2', []);
    const inspection = await inspectFile(image);
    const gone = `${image}.gone`;
    expect(existsSync(gone)).toBe(false);
    const { signal } = new AbortController();
    await expect(
      qemuImg.open({ source: { path: gone, inspection }, directory: dir.path, signal }),
    ).rejects.toMatchObject({ code: 'PROGRAM_FAILED' });
  });
});
