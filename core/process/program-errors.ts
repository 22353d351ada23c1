import { constants } from 'node:os';
import path from 'node:path';
import { CapacityError, PermanentError } from '../base/errors.js';
import type { StowageError } from '../base/errors.js';
import type { ProgramCommand, ProgramLimits } from '../plugin/contract/services.js';
import type { GroupEnd } from './process-group.js';

/** Characters of stderr that an error carries. */
const SHOWN_STDERR = 2000;

/** What programs say when an allocation fails under a limit of the address space. */
const OUT_OF_MEMORY =
  /cannot allocate memory|memory exhausted|out of memory|failed to allocate|bad_alloc|thread_create: resource/i;

/**
 * What went wrong with a program that did not end with exit code 0. Clients read it, so it names the
 * files by their last part: where they lie is nobody's business.
 */
export function programError(command: ProgramCommand, end: GroupEnd): StowageError {
  const { program, limits } = command;
  const killedBy = signalOf(end);
  const stderr = withoutFolders(command, end.stderr).slice(-SHOWN_STDERR).trim();
  const details = {
    program,
    ...(end.exitCode === null ? {} : { exitCode: end.exitCode }),
    ...(killedBy === undefined ? {} : { signal: killedBy }),
    stderr,
  };
  const limit = limitHit(end, killedBy, limits);
  if (limit !== undefined) {
    return new PermanentError({
      code: 'PROGRAM_LIMIT',
      message: `The program "${program}" has hit its limit of ${limit.words}`,
      hint: limit.hint,
      details: { ...details, limit: limit.name },
    });
  }
  if (end.stderr.includes('No space left on device')) {
    return new CapacityError({
      code: 'STAGING_DISK_FULL',
      message: `The program "${program}" found no space left on the disk`,
      hint: 'Free space on the file system of the staging area, or lower the staging capacity in the configuration',
      details,
    });
  }
  const how =
    killedBy === undefined
      ? `ended with exit code ${end.exitCode ?? 'unknown'}`
      : `was ended by ${killedBy}`;
  return new PermanentError({
    code: 'PROGRAM_FAILED',
    message: `The program "${program}" ${how}${stderr === '' ? '' : `: ${lastLine(stderr)}`}`,
    hint:
      killedBy === 'SIGKILL'
        ? 'See the log of the kernel: it may have run out of memory'
        : 'See what the program said in "stderr"',
    details,
  });
}

interface LimitHit {
  readonly name: string;
  readonly words: string;
  readonly hint: string;
}

function limitHit(
  end: GroupEnd,
  killedBy: string | undefined,
  limits: ProgramLimits,
): LimitHit | undefined {
  if (end.stopped === 'timed out') {
    return {
      name: 'wallMs',
      words: `${limits.wallMs / 1000} s of time`,
      hint: 'See whether the machine is overloaded; the image may also be made to keep the program busy',
    };
  }
  if (killedBy === 'SIGXCPU') {
    return {
      name: 'cpuSeconds',
      words: `${limits.cpuSeconds ?? 0} s of processor time`,
      hint: 'The image may be made to keep the program busy',
    };
  }
  if (
    limits.fileSize !== undefined &&
    (killedBy === 'SIGXFSZ' || end.stderr.includes('File too large'))
  ) {
    return {
      name: 'fileSize',
      words: `${limits.fileSize} bytes for one file`,
      hint: 'The result would be larger than the image allows; check what the image says of its size',
    };
  }
  if (OUT_OF_MEMORY.test(end.stderr)) {
    return {
      name: 'addressSpace',
      words: `${limits.addressSpace} bytes of memory`,
      hint: 'Raise programs.address_space in the configuration if the image is to be trusted',
    };
  }
  return undefined;
}

/** A shell and bubblewrap report a signal as exit code 128 + number. */
function signalOf(end: GroupEnd): string | undefined {
  if (end.killedBy !== null) return end.killedBy;
  const number = (end.exitCode ?? 0) - 128;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}

/** An argument that holds the path of a file, as JSON or an option, stands for that file too. */
function withoutFolders({ args, readable, writable }: ProgramCommand, text: string): string {
  const files = [...readable, ...writable].filter((file) => path.dirname(file) !== file);
  const names = files.flatMap((file) => [
    ...args.filter((arg) => arg.includes(file)).map((arg) => [arg, nameOf(arg, file)] as const),
    [file, path.basename(file)] as const,
  ]);
  return names
    .toSorted(([a], [b]) => b.length - a.length)
    .reduce((told, [whole, name]) => told.replaceAll(whole, name), text);
}

/** The last part of the path in an argument: of `file`, or of what lies below it. */
function nameOf(arg: string, file: string): string {
  const [below = ''] = arg.slice(arg.indexOf(file) + file.length).split(/["',]/);
  return path.basename(file + below);
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1);
}
