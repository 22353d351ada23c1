import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { randomFile } from '../support/images.js';
import { run } from './native.js';
import type { DiskKind, Files } from './scenario.js';

/** Makes each file once below `directory`; it is in the page cache whenever it was asked for. */
export function benchFiles(directory: string): Files {
  const raw = (size: number): Promise<string> =>
    once(path.join(directory, `${size}.raw`), async (file) => {
      await randomFile(file, size);
    });
  return {
    directory,
    raw,
    disk: ({ name, driver, options, virtualSize }: DiskKind, size) =>
      once(path.join(directory, `${size}.${name.replaceAll(' ', '-')}`), async (file) => {
        const source = `${file}.source`;
        await run('cp', ['--sparse=never', await raw(size), source]);
        if (virtualSize !== undefined) await run('truncate', ['-s', String(virtualSize), source]);
        await run('qemu-img', ['convert', '-f', 'raw', '-O', driver, ...options, source, file]);
        await rm(source);
      }),
  };
}

async function once(file: string, make: (file: string) => Promise<void>): Promise<string> {
  const isThere = await stat(file).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    await mkdir(path.dirname(file), { recursive: true });
    await make(`${file}.part`);
    await rename(`${file}.part`, file);
  }
  await run('bash', ['-c', 'cat "$1" >/dev/null', 'bash', file]);
  return file;
}
