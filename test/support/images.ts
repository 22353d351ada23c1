import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** qemu-img's names where they are not those of `disk_format`. */
const DRIVERS: Readonly<Record<string, string>> = { vhd: 'vpc', iso: 'raw' };

/** The name that qemu-img has for a `disk_format`. */
export function qemuDriver(diskFormat: string): string {
  return DRIVERS[diskFormat] ?? diskFormat;
}

/** Writes `size` random bytes; nothing compresses them and none of them are zeros in a row. */
export async function randomFile(file: string, size: number): Promise<string> {
  await using handle = await open(file, 'w');
  const block = randomBytes(Math.min(size, 1024 * 1024));
  for (let at = 0; at < size; at += block.length) {
    // Another first word for each block, so that blocks are not alike.
    block.writeUInt32LE(at >>> 12, 0);
    await handle.write(block, 0, Math.min(block.length, size - at), at);
  }
  return file;
}

/** A qcow2 of `virtualSize` whose first `dataSize` bytes are random. */
export async function qcow2File(
  file: string,
  virtualSize: number,
  dataSize: number,
): Promise<string> {
  const raw = await randomFile(`${file}.raw`, dataSize);
  await run('truncate', ['-s', String(virtualSize), raw]);
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, file]);
  return file;
}

/** Hex digest of a file's bytes. */
export async function digestOf(file: string, algorithm = 'sha512'): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export interface QemuInfo {
  readonly format: string;
  readonly 'virtual-size': number;
}

/** @param format a `disk_format`; qemu-img guesses where it is not given */
export async function qemuInfo(file: string, format?: string): Promise<QemuInfo> {
  const pinned = format === undefined ? [] : ['-f', qemuDriver(format)];
  const { stdout } = await run('qemu-img', ['info', '--output=json', ...pinned, file]);
  return JSON.parse(stdout) as QemuInfo;
}
