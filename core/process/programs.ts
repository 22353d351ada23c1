import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { CancelledError, StowageError } from '../base/errors.js';
import type { ProgramsConfig } from '../config/config.js';
import type {
  FilterCommand,
  ProgramCommand,
  ProgramResult,
  Programs,
} from '../plugin/contract/services.js';
import { Bubblewrap } from './bubblewrap.js';
import { findProgram, PROGRAM_ENVIRONMENT } from './find-program.js';
import { runGroup } from './process-group.js';
import type { GroupCommand } from './process-group.js';
import { programError } from './program-errors.js';
import { limitingPrefix } from './resource-limits.js';

/** Bytes of a program's output that wait for their reader. */
const PIPE_SIZE = 256 * 1024;

/**
 * `onWarning` is told once when programs run with limits only although `auto` was asked for.
 * Bubblewrap is tried when the first program is run.
 */
export function createPrograms(
  config: ProgramsConfig,
  onWarning: (message: string) => void,
): Programs {
  return new ConfinedPrograms(config, onWarning);
}

/**
 * Runs external programs. Invariant of this folder: nothing runs without limits, without a shell's
 * help or longer than the server, and what parses image bytes sees no other file where the machine
 * can do that. It knows nothing of imports.
 */
class ConfinedPrograms implements Programs {
  readonly #config: ProgramsConfig;
  readonly #onWarning: (message: string) => void;
  #bubblewrap: Promise<Bubblewrap | undefined> | undefined;

  constructor(config: ProgramsConfig, onWarning: (message: string) => void) {
    this.#config = config;
    this.#onWarning = onWarning;
  }

  run(command: ProgramCommand): Promise<ProgramResult> {
    return this.#run(command, command.input === undefined ? {} : { input: command.input });
  }

  filter(command: FilterCommand): Readable {
    const output = new PassThrough({ highWaterMark: PIPE_SIZE });
    const unread = new AbortController();
    output.once('close', () => {
      unread.abort(new CancelledError({ code: 'UNREAD', message: 'Nobody reads the output' }));
    });
    const signal = AbortSignal.any([command.signal, unread.signal]);
    const { input, ...rest } = command;
    const limits = { ...command.limits, fileSize: 0 };
    const alone = { readable: [], ...rest, limits, signal, writable: [] };
    this.#run(alone, input === undefined ? { output } : { input, output }).then(
      () => output.end(),
      (error: unknown) => {
        input?.destroy();
        output.destroy(error instanceof Error ? error : new Error(String(error)));
      },
    );
    return output;
  }

  async #run(
    command: ProgramCommand,
    pipes: Pick<GroupCommand, 'input' | 'output'>,
  ): Promise<ProgramResult> {
    command.signal.throwIfAborted();
    const program = await findProgram(command.program);
    const prefix = await limitingPrefix(command, this.#config.niceness);
    this.#bubblewrap ??= this.#confinement();
    const bubblewrap = await this.#bubblewrap;
    command.signal.throwIfAborted();
    const confined = bubblewrap?.argv({ ...command, program }, command.args) ?? [
      program,
      ...command.args,
    ];
    const end = await runGroup({
      argv: [...prefix, ...confined],
      env: PROGRAM_ENVIRONMENT,
      ...(command.workingDirectory === undefined
        ? {}
        : { workingDirectory: command.workingDirectory }),
      wallMs: command.limits.wallMs,
      signal: command.signal,
      ...(command.onOutput === undefined ? {} : { onOutput: command.onOutput }),
      ...pipes,
    });
    if (end.stopped === 'aborted') command.signal.throwIfAborted();
    if (end.exitCode === 0 && end.stopped === undefined) {
      return { stdout: end.stdout, stderr: end.stderr };
    }
    throw programError(command, end);
  }

  async #confinement(): Promise<Bubblewrap | undefined> {
    if (this.#config.confinement === 'limits') return undefined;
    try {
      return await Bubblewrap.probe();
    } catch (error) {
      if (this.#config.confinement === 'bubblewrap' || !(error instanceof StowageError))
        throw error;
      this.#onWarning(
        `Programs that open images run with limits but can read every file that the server can: ${error.message}. ${error.hint ?? ''}`,
      );
      return undefined;
    }
  }
}
