import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { qemuDriver, randomFile } from './images.js';

const run = promisify(execFile);

/**
 * A disk of `virtualSize` bytes in a format: some random bytes at its start and in its middle, zeros
 * elsewhere. `options` are `-o` of `qemu-img convert`.
 */
export async function diskFile(
  file: string,
  format: string,
  options: readonly string[] = [],
  virtualSize = 8 * 2 ** 20,
): Promise<string> {
  const raw = await randomFile(`${file}.raw`, 300_000);
  await using handle = await open(raw, 'r+');
  const middle = Math.floor(virtualSize / 2);
  await handle.write(Buffer.from('in the middle of the disk'), 0, 25, middle);
  await handle.truncate(virtualSize);
  if (format === 'raw') return raw;
  const flags = options.flatMap((option) => (option === '-c' ? [option] : ['-o', option]));
  const target = qemuDriver(format);
  await run('qemu-img', ['convert', '-f', 'raw', '-O', target, ...flags, raw, file]);
  return file;
}

/** Fails unless two images show a guest the same bytes. */
export async function assertSameDisk(
  [a, formatA]: readonly [string, string],
  [b, formatB]: readonly [string, string],
): Promise<void> {
  await run('qemu-img', [
    'compare',
    ...['-f', qemuDriver(formatA), '-F', qemuDriver(formatB)],
    a,
    b,
  ]);
}
