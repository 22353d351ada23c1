import type { ProgramCommand } from '../plugin/contract/services.js';
import { findProgram } from './find-program.js';

/** Open files of one program; one that speaks to a cluster has a connection to each of its machines. */
const MAX_OPEN_FILES = 256;

/** Bytes of stack of the first and, by default, of every other thread: 64 of `qemu-img` at most. */
const STACK = 2 * 1024 * 1024;

/** Seconds between SIGXCPU, which names the limit, and SIGKILL. */
const CPU_GRACE = 5;

/**
 * The start of a command line that limits what follows it (setpriv(1), prlimit(1), nice(1),
 * ionice(1)). Each program replaces itself by the next, so that the process id stays.
 * @throws {UnsupportedError} `PROGRAM_MISSING`
 */
export async function limitingPrefix(
  { limits, network }: Pick<ProgramCommand, 'limits' | 'network'>,
  niceness: number,
): Promise<[string, ...string[]]> {
  const [setpriv, prlimit, nice, ionice] = await Promise.all([
    findProgram('setpriv'),
    findProgram('prlimit'),
    findProgram('nice'),
    findProgram('ionice'),
  ]);
  return [
    // Children die with the server, however it ends.
    ...([setpriv, '--pdeathsig', 'KILL', '--'] as const),
    ...[nice, '-n', `${niceness}`],
    // The lowest of the shared priorities: the idle class could wait for ever on a busy disk.
    ...[ionice, '-t', '-c', '2', '-n', '7'],
    ...[prlimit, '--core=0', `--stack=${STACK}`],
    ...(network === true ? [] : [`--nofile=${MAX_OPEN_FILES}`]),
    `--as=${limits.addressSpace}`,
    ...(limits.cpuSeconds === undefined
      ? []
      : [`--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + CPU_GRACE}`]),
    ...(limits.fileSize === undefined ? [] : [`--fsize=${limits.fileSize}`]),
    '--',
  ];
}
