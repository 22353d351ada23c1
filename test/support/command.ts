import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** The root of the repository. */
export const ROOT = path.resolve(import.meta.dirname, '../..');

export interface Finished {
  /** Exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly process: ChildProcess;
  /** What it has printed so far. */
  out(): string;
  /** Resolves when standard output holds a match, with the match. */
  said(pattern: RegExp): Promise<string>;
  readonly finished: Promise<Finished>;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a program as a user would, without a terminal. */
export function start(program: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(program, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  const exit = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const listeners = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    for (const listener of listeners) listener();
  });
  const finished = exit.then((code) => ({ code, out, err }));
  return {
    process: child,
    out: () => out,
    finished,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(out)?.[0];
          if (found === undefined) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
        void finished.then((end) => {
          reject(
            new Error(
              `Ended with ${end.code} before it said ${String(pattern)}:\n${end.out}${end.err}`,
            ),
          );
        });
      }),
  };
}

/** Runs the built `stowage` to its end. */
export function stowage(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return startStowage(args, options).finished;
}

export function startStowage(args: readonly string[], options: RunOptions = {}): Running {
  return start(process.execPath, [path.join(ROOT, 'bin/stowage'), ...args], options);
}
