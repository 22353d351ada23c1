import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemCode } from '../../../core/base/errors.js';

const run = promisify(execFile);

/** A file system of its own, small enough to be full. */
export interface SmallDisk extends AsyncDisposable {
  /** Takes everything that is free but `leave` bytes. */
  fill(leave?: number): Promise<void>;
  /** Gives it back. */
  free(): Promise<void>;
}

/**
 * Mounts a new ext4 of `size` bytes, made in the file `image`, at a directory. Needs root and loop
 * devices; a test that cannot have them fails.
 */
export async function smallDisk(
  mountPoint: string,
  image: string,
  size: number,
): Promise<SmallDisk> {
  const ballast = path.join(mountPoint, 'ballast');
  await mkdir(mountPoint, { recursive: true });
  await writeFile(image, '');
  await run('truncate', ['--size', String(size), image]);
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', '-m', '0', image]);
  await run('mount', ['-o', 'loop', image, mountPoint]);
  return {
    async fill(leave = 0) {
      const { bavail, bsize } = await statfs(mountPoint);
      const zeros = Buffer.alloc(bavail * bsize - leave);
      // The file system needs some of it for the file itself.
      await writeFile(ballast, zeros).catch((error: unknown) => {
        if (systemCode(error) !== 'ENOSPC') throw error;
      });
    },
    free: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      await run('umount', [mountPoint]);
      await rm(image, { force: true });
    },
  };
}
