import { readdirSync, readlinkSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';

/** Files below a directory that this process has open, once for each descriptor. */
export function openFiles(directory: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`);
      return file.startsWith(`${directory}/`) ? [file] : [];
    } catch {
      // The descriptor of the listing itself is closed by now.
      return [];
    }
  });
}

/** Processes that have a file open. */
export async function readersOf(file: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const holding = await Promise.all(
    pids.map(async (pid) => {
      const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
      const files = await Promise.all(
        fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')),
      );
      return files.includes(file) ? [pid] : [];
    }),
  );
  return holding.flat();
}
