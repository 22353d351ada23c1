import path from 'node:path';
import type { Readable } from 'node:stream';
import {
  CapacityError,
  NotFoundError,
  PermanentError,
  StowageError,
  TransientError,
} from '../../core/api.js';
import type { Programs } from '../../core/api.js';
import type { RbdConfig } from './rbd-config.js';

/** Bytes of address space: its threads and caches, not the image. */
const ADDRESS_SPACE = 4 * 1024 ** 3;

/** Milliseconds for a question; a cluster whose monitors are away is asked for minutes otherwise. */
const QUESTION_MS = 30_000;
/** Milliseconds for what reads, writes or removes a whole image. */
const WORK_MS = 24 * 60 * 60 * 1000;

/** Exit codes of `rbd` are numbers of errors of the system: errno(3). */
const ERRNO = {
  ENOENT: 2,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENOSPC: 28,
  ENOTEMPTY: 39,
  EDQUOT: 122,
};
export type Errno = keyof typeof ERRNO;

const FULL: readonly Errno[] = ['ENOSPC', 'EDQUOT'];
const PASSING: readonly Errno[] = ['EBUSY'];

/** The programs of the Ceph client, as one of its users. */
export class RbdPrograms {
  constructor(
    private readonly config: RbdConfig,
    private readonly store: string,
    private readonly programs: Programs,
  ) {}

  /** The id of the cluster. */
  async fsid(): Promise<string> {
    return (await this.#run('ceph', ['fsid'], { wallMs: QUESTION_MS })).trim();
  }

  /** What `rbd` answers at once. */
  ask(args: readonly string[], signal?: AbortSignal): Promise<string> {
    return this.#run('rbd', args, { wallMs: QUESTION_MS, ...(signal && { signal }) });
  }

  /** What takes `rbd` as long as the image is large. */
  async work(args: readonly string[], input?: Readable): Promise<void> {
    await this.#run('rbd', args, { wallMs: WORK_MS, ...(input && { input }) });
  }

  /** The standard output of `rbd`; it breaks with what the others throw. */
  stream(args: readonly string[], signal: AbortSignal): Readable {
    return this.programs.filter({
      ...this.#command('rbd', args, WORK_MS),
      signal,
    });
  }

  async #run(
    program: 'ceph' | 'rbd',
    args: readonly string[],
    {
      wallMs,
      signal = new AbortController().signal,
      input,
    }: { readonly wallMs: number; readonly signal?: AbortSignal; readonly input?: Readable },
  ): Promise<string> {
    const command = { ...this.#command(program, args, wallMs), writable: [], signal };
    try {
      const { stdout } = await this.programs.run(input ? { ...command, input } : command);
      return stdout;
    } catch (error) {
      signal.throwIfAborted();
      throw this.translated(error, `${program} ${args[0] ?? ''}`);
    }
  }

  #command(program: 'ceph' | 'rbd', args: readonly string[], wallMs: number) {
    const { conf, user, keyring } = this.config;
    const who = ['--conf', conf, '--id', user, ...(keyring ? ['--keyring', keyring] : [])];
    return {
      program,
      args: [...who, ...args],
      readable: [path.dirname(conf), ...(keyring ? [path.dirname(keyring)] : [])],
      limits: { wallMs, addressSpace: ADDRESS_SPACE },
      network: true,
    };
  }

  /** Says in the words of the store contract what a program of Ceph has ended with. */
  translated(error: unknown, act: string): unknown {
    if (!(error instanceof StowageError) || !/^PROGRAM_(?:FAILED|LIMIT)$/.test(error.code)) {
      return error;
    }
    const message = `Store "${this.store}": "${act}" has failed: ${lastLine(error)}`;
    const facts = { message, cause: error };
    if (error.code === 'PROGRAM_LIMIT' && error.details['limit'] === 'wallMs') {
      return new TransientError({
        code: 'STORE_UNAVAILABLE',
        ...facts,
        hint: 'The cluster does not answer: see `ceph status`',
      });
    }
    if (endedWith(error, 'ENOENT'))
      return new NotFoundError({ code: 'OBJECT_NOT_FOUND', ...facts });
    if (endedWith(error, ...FULL)) {
      return new CapacityError({
        code: 'STORE_FULL',
        ...facts,
        hint: 'Free space in the pool, or raise its quota',
      });
    }
    if (endedWith(error, ...PASSING)) {
      return new TransientError({ code: 'STORE_UNAVAILABLE', ...facts });
    }
    return new PermanentError({
      code: 'STORE_BROKEN',
      ...facts,
      hint: 'Check the pool, the user and its capabilities: see `ceph auth get`',
    });
  }
}

/** Whether a failure, or what it came of, is one of these ends of a program. */
export function endedWith(error: unknown, ...codes: readonly Errno[]): boolean {
  const end = error instanceof StowageError ? error.details['exitCode'] : undefined;
  if (typeof end === 'number') return codes.some((code) => ERRNO[code] === end);
  return (
    error instanceof StowageError && error.cause !== undefined && endedWith(error.cause, ...codes)
  );
}

function lastLine({ message, details }: StowageError): string {
  const { stderr } = details;
  const said = typeof stderr === 'string' ? stderr.trim() : '';
  return said === '' ? message : (said.split('\n').at(-1) ?? message);
}
