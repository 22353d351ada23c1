import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const BIN = path.join(ROOT, 'bin/stowage');

export interface ServerOptions {
  readonly dataDir: string;
  /** @default one of the choice of the system */
  readonly port?: number;
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Programs to run the server under, for example `strace -f`. */
  readonly under?: readonly string[];
  /** Flags of Node. */
  readonly flags?: readonly string[];
  /** In a session of its own, by which its processes can be told from all others. */
  readonly ownSession?: boolean;
}

/** The built server as a child process, as its users run it. */
export interface TestServer {
  readonly url: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  /** Everything that it has printed. */
  output(): string;
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | string>;
}

/** Starts `stowage serve` on a port of the system's choosing; resolves when it serves. */
export async function startServer(options: ServerOptions): Promise<TestServer> {
  const server = spawnServer(options);
  const url = await Promise.race([server.served, server.exited]);
  if (typeof url !== 'object') {
    throw new Error(`The server ended with ${url} before it served:\n${server.output()}`);
  }
  return { ...server, url: url.url };
}

/** As {@link startServer}, for a server that may die while it starts. */
export function spawnServer(
  options: ServerOptions,
): Omit<TestServer, 'url'> & { readonly served: Promise<{ readonly url: string }> } {
  const { dataDir, config, port = 0, env = {}, under = [], flags = [] } = options;
  const args = ['serve', '--data-dir', dataDir, '--port', String(port)];
  if (config !== undefined) args.push('--config', config);
  const command = [...under, process.execPath, ...flags, BIN, ...args];
  const [program = process.execPath, ...rest] = command;
  const child = spawn(program, rest, {
    detached: options.ownSession ?? false,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: string[] = [];
  const served = new Promise<{ url: string }>((resolve) => {
    const look = (chunk: Buffer) => {
      chunks.push(chunk.toString());
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(chunks.join(''))?.[0];
      if (url !== undefined) resolve({ url });
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
  });
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const { pid } = child;
  if (pid === undefined) throw new Error(`Could not start ${program}`);
  return {
    pid,
    process: child,
    served,
    exited,
    output: () => chunks.join(''),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}
