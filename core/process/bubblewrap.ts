import { lstat, readlink } from 'node:fs/promises';
import path from 'node:path';
import { UnsupportedError } from '../base/errors.js';
import { findProgram, PROGRAM_ENVIRONMENT } from './find-program.js';
import { runGroup } from './process-group.js';

/** Milliseconds that the trial run may take. */
const PROBE_MS = 10_000;

/** Bytes of the private `/tmp`, which is memory. */
const TMP_SIZE = 64 * 1024 * 1024;

/** What programs and their libraries are made of; a link of the merged `/usr` stays a link. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
const SYSTEM_FILES = ['/etc/alternatives', '/etc/ld.so.cache'];

/** What names of hosts are resolved by. */
const RESOLVER_FILES = ['/etc/hosts', '/etc/nsswitch.conf', '/etc/resolv.conf'];

/** What a confined program sees of the file system beside itself and its libraries. */
export interface Visible {
  /** Absolute path of the program. */
  readonly program: string;
  readonly readable: readonly string[];
  readonly writable: readonly string[];
  readonly workingDirectory?: string;
  readonly network?: boolean;
}

/** A way to start programs with nothing to see but what they need: see bwrap(1). */
export class Bubblewrap {
  readonly #base: readonly string[];

  private constructor(base: readonly string[]) {
    this.#base = base;
  }

  /**
   * Finds out by a trial run whether this machine can do it: containers and hardened kernels often
   * refuse the namespaces.
   * @throws {UnsupportedError} `PROGRAM_MISSING` · `CONFINEMENT_UNAVAILABLE`
   */
  static async probe(): Promise<Bubblewrap> {
    const bwrap = await findProgram('bwrap');
    const program = await findProgram('true');
    let stderr = '';
    // `--size` came with bubblewrap 0.7.
    for (const size of [['--size', `${TMP_SIZE}`], []]) {
      const candidate = new Bubblewrap([bwrap, ...(await baseArguments(size))]);
      const end = await runGroup({
        argv: candidate.argv({ program, readable: [], writable: [] }, []),
        env: PROGRAM_ENVIRONMENT,
        wallMs: PROBE_MS,
        signal: AbortSignal.timeout(PROBE_MS),
      });
      if (end.exitCode === 0) return candidate;
      stderr = end.stderr.trim();
    }
    throw new UnsupportedError({
      code: 'CONFINEMENT_UNAVAILABLE',
      message: `Bubblewrap does not work on this machine: ${stderr}`,
      hint: 'Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, or the AppArmor profile of bwrap), or set programs.confinement to "limits"',
    });
  }

  /** The command line that runs the program confined. */
  argv(visible: Visible, args: readonly string[]): [string, ...string[]] {
    const [bwrap = 'bwrap', ...base] = this.#base;
    const place = ['--chdir', visible.workingDirectory ?? '/'];
    const network = visible.network === true ? ['--share-net', ...ifThere(RESOLVER_FILES)] : [];
    const own = [...network, ...binds(visible), ...place];
    return [bwrap, ...base, ...own, '--', visible.program, ...args];
  }
}

async function baseArguments(tmpSize: readonly string[]): Promise<string[]> {
  const system = await Promise.all(SYSTEM.map(systemArguments));
  return [
    ...['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...system.flat(),
    ...ifThere(SYSTEM_FILES),
    ...['--proc', '/proc', '--dev', '/dev', ...tmpSize, '--tmpfs', '/tmp'],
  ];
}

function ifThere(files: readonly string[]): string[] {
  return files.flatMap((file) => ['--ro-bind-try', file, file]);
}

async function systemArguments(directory: string): Promise<string[]> {
  const stats = await lstat(directory).catch(() => undefined);
  if (stats === undefined) return [];
  if (stats.isSymbolicLink()) return ['--symlink', await readlink(directory), directory];
  return ['--ro-bind', directory, directory];
}

/** Outer directories come first, because a mount hides what was mounted below it before. */
function binds({ program, readable, writable }: Visible): string[] {
  const mounts = [
    ...[program, ...readable].map((place) => ({ option: '--ro-bind', place })),
    ...writable.map((place) => ({ option: '--bind', place })),
  ];
  mounts.sort((a, b) => depth(a.place) - depth(b.place));
  return [
    ...mounts.flatMap(({ option, place }) => [option, place, place]),
    // The new root and /dev are memory too.
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
  ];
}

function depth(place: string): number {
  return path.normalize(place).split('/').length;
}
