import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { systemCode, TransientError } from '../base/errors.js';
import { KeptEnd, KeptStart } from './kept-output.js';
import { LineSplitter } from './line-splitter.js';
import { feed, handOver } from './program-pipes.js';

/** Milliseconds between the polite signal and the one that cannot be ignored. */
const GRACE_MS = 2000;

/** Milliseconds for the pipes to close after the program's end. */
const DRAIN_MS = 1000;

/** Bytes kept of each of the two outputs; the rest is read and dropped. */
const KEPT_OUTPUT = 64 * 1024;

export interface GroupCommand {
  /** Absolute path of the program, then its arguments. */
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** @default '/' */
  readonly workingDirectory?: string;
  /** Milliseconds. */
  readonly wallMs: number;
  readonly signal: AbortSignal;
  readonly onOutput?: (line: string) => void;
  /** What the program reads as its standard input; nothing by default. */
  readonly input?: Readable;
  /** Takes all of the standard output as fast as it can; it is not ended. Nothing is kept then. */
  readonly output?: Writable;
}

export interface GroupEnd {
  readonly exitCode: number | null;
  readonly killedBy: NodeJS.Signals | null;
  /** Why it was killed from here. */
  readonly stopped: 'aborted' | 'timed out' | undefined;
  /** Its begin. */
  readonly stdout: string;
  /** Its end. */
  readonly stderr: string;
}

/**
 * Runs a program without a shell, in a process group of its own, until no process of the group is
 * left. Never rejects for what the program does, and not before `output` has taken what it has said.
 * @throws {TransientError} `PROGRAM_NOT_STARTED`
 * @throws what `onOutput` has thrown, or `input` has broken with
 */
export async function runGroup(command: GroupCommand): Promise<GroupEnd> {
  const [program, ...args] = command.argv;
  const child = spawn(program, args, {
    cwd: command.workingDirectory ?? '/',
    env: command.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const halt = new AbortController();
  const stdout = new KeptStart(KEPT_OUTPUT);
  const stderr = new KeptEnd(KEPT_OUTPUT);
  const lines = command.onOutput === undefined ? undefined : new LineSplitter(command.onOutput);
  if (command.output === undefined) {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout.add(chunk);
      contained(() => lines?.add(chunk));
    });
  }
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.add(chunk);
  });
  const isClosed = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  let stopped: GroupEnd['stopped'];
  let thrown: { readonly error: unknown } | undefined;
  let grace: NodeJS.Timeout | undefined;
  const stop = (reason: GroupEnd['stopped']): void => {
    if (stopped !== undefined) return;
    stopped = reason;
    halt.abort();
    killGroup(child, 'SIGTERM');
    grace = setTimeout(() => {
      killGroup(child, 'SIGKILL');
    }, GRACE_MS);
  };
  const fail = (error: unknown): void => {
    thrown ??= { error };
    stop('aborted');
  };
  const contained = (work: () => void): void => {
    if (thrown !== undefined) return;
    try {
      work();
    } catch (error) {
      fail(error);
    }
  };
  const onAbort = (): void => {
    stop('aborted');
  };
  const wall = setTimeout(() => {
    stop('timed out');
  }, command.wallMs);
  command.signal.addEventListener('abort', onAbort, { once: true });
  if (command.signal.aborted) onAbort();
  const { input, output } = command;
  const taken = output && handOver(child.stdout, output, halt.signal).catch(fail);
  const letGo = feed(input, child.stdin, fail);
  try {
    const { exitCode, killedBy } = await ended(child);
    // What the program has left running must not outlive it.
    killGroup(child, 'SIGKILL');
    await taken;
    await drained(isClosed, [child.stdout, child.stderr]);
    contained(() => lines?.end());
    if (thrown !== undefined) throw thrown.error;
    return { exitCode, killedBy, stopped, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    letGo();
    clearTimeout(wall);
    clearTimeout(grace);
    command.signal.removeEventListener('abort', onAbort);
  }
}

function ended(child: ChildProcess): Promise<Pick<GroupEnd, 'exitCode' | 'killedBy'>> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(
        new TransientError({
          code: 'PROGRAM_NOT_STARTED',
          message: `Cannot start the program "${child.spawnfile}": ${cause.message}`,
          hint: 'Check the limits of processes and memory of the server',
          cause,
        }),
      );
    });
    child.once('exit', (exitCode, killedBy) => {
      resolve({ exitCode, killedBy });
    });
  });
}

/** A process that has left the group may still hold the pipes open; they are closed on this side. */
async function drained(isClosed: Promise<void>, pipes: readonly Readable[]): Promise<void> {
  const timer = setTimeout(() => {
    for (const pipe of pipes) pipe.destroy();
  }, DRAIN_MS);
  try {
    await isClosed;
  } finally {
    clearTimeout(timer);
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // Nobody is left in the group.
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}
