import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { UnsupportedError } from '../base/errors.js';

const MIB = 1024 * 1024;

/** Where programs are looked for. */
const PROGRAM_PATH = process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';

/** The whole environment of a program: nothing that is secret or changes what it prints. */
export const PROGRAM_ENVIRONMENT = {
  PATH: PROGRAM_PATH,
  LC_ALL: 'C',
  // Each thread would reserve 64 MiB of a limited address space for its own heap: mallopt(3).
  MALLOC_ARENA_MAX: '1',
  // Buffers of some MiB are kept for the next request: memory that the system has to give and clear anew
  // for each costs more than reading the disk does.
  MALLOC_MMAP_THRESHOLD_: String(32 * MIB),
  MALLOC_TRIM_THRESHOLD_: String(64 * MIB),
};

/** The Debian package of a program that is not named like it. */
const PACKAGES: Readonly<Record<string, string>> = {
  'qemu-img': 'qemu-utils',
  xz: 'xz-utils',
  ceph: 'ceph-common',
  rbd: 'ceph-common',
  bwrap: 'bubblewrap',
  setpriv: 'util-linux',
  prlimit: 'util-linux',
  ionice: 'util-linux',
  nice: 'coreutils',
};

/** The absolute path of a program. @throws {UnsupportedError} `PROGRAM_MISSING` */
export async function findProgram(name: string): Promise<string> {
  const directories = path.isAbsolute(name) ? [''] : PROGRAM_PATH.split(path.delimiter);
  for (const directory of directories) {
    const candidate = path.join(directory, name);
    if (path.isAbsolute(candidate) && (await isExecutable(candidate))) return candidate;
  }
  throw new UnsupportedError({
    code: 'PROGRAM_MISSING',
    message: `The program "${name}" is not installed on the server`,
    hint: path.isAbsolute(name)
      ? 'Install it, or correct its path in the configuration'
      : `Install it, on Debian and Ubuntu with: apt-get install ${PACKAGES[name] ?? name}`,
    details: { program: name },
  });
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
