import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { UnsupportedError, systemCode } from '../../base/errors.js';
import { fat16 } from './fat16.js';
import { GPT_MARGIN, gpt } from './gpt.js';

const SECTOR = 512;
const DISK_SECTORS = 2 ** 29 / SECTOR;
/** 1 MiB, where partitioning tools begin as well. */
const FIRST_SECTOR = 2048;
/** Enough to see the bars move. */
const DATA_BYTES = 96 * 2 ** 20;

const README = `This disk was made by the demo of Stowage: a GUID partition table, one FAT16
file system, and these files. DATA.BIN holds random bytes, so that there is something to move.
`;

const run = promisify(execFile);

/**
 * Makes a qcow2 image of a 512 MiB disk with a partition table, a file system and files.
 * @param file absolute path of the image; a raw copy beside it exists meanwhile
 * @throws {UnsupportedError} `PROGRAM_MISSING` without qemu-img
 */
export async function makeDisk(file: string): Promise<void> {
  const raw = `${file}.raw`;
  try {
    await writeRawDisk(raw);
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, file]);
  } catch (error) {
    throw systemCode(error) === 'ENOENT' ? qemuImgMissing() : error;
  } finally {
    await rm(raw, { force: true });
  }
}

/** The disk itself: sparse but for what is written. */
export async function writeRawDisk(file: string): Promise<void> {
  // Whole MiB, so that every tool finds it aligned.
  const last = Math.floor((DISK_SECTORS - GPT_MARGIN) / FIRST_SECTOR) * FIRST_SECTOR - 1;
  const data = randomBytes(DATA_BYTES);
  const fileSystem = fat16(last - FIRST_SECTOR + 1, FIRST_SECTOR, 'STOWAGE', [
    { name: 'README.TXT', data: Buffer.from(README) },
    { name: 'DATA.BIN', data },
  ]);
  const pieces = [
    ...gpt(DISK_SECTORS, { name: 'demo', first: FIRST_SECTOR, last }),
    ...fileSystem.map((piece) => ({ ...piece, offset: piece.offset + FIRST_SECTOR * SECTOR })),
  ];
  const handle = await open(file, 'w');
  try {
    await handle.truncate(DISK_SECTORS * SECTOR);
    for (const { offset, data: bytes } of pieces)
      await handle.write(bytes, 0, bytes.length, offset);
  } finally {
    await handle.close();
  }
}

/** @throws {UnsupportedError} `PROGRAM_MISSING` without qemu-img */
export async function needQemuImg(): Promise<void> {
  try {
    await run('qemu-img', ['--version']);
  } catch (error) {
    throw systemCode(error) === 'ENOENT' ? qemuImgMissing() : error;
  }
}

function qemuImgMissing(): UnsupportedError {
  return new UnsupportedError({
    code: 'PROGRAM_MISSING',
    message: 'The demo converts an image, and qemu-img is not installed',
    hint: 'As root: apt-get update && apt-get install -y --no-install-recommends qemu-utils',
  });
}
