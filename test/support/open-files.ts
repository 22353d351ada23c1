import { readdirSync, readlinkSync } from 'node:fs';

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
