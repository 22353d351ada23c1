import path from 'node:path';
import { Readable } from 'node:stream';
import type { Programs } from '../../../core/api.js';
import type { CinderConfig } from '../cinder-config.js';
import type { RbdConnection } from './connection.js';
import { rbdDiff } from './rbd-diff.js';

/** Bytes of address space: threads and caches of the client, not the volume. */
const ADDRESS_SPACE = 4 * 1024 ** 3;
/** Milliseconds for what reads or writes a whole volume. */
const WORK_MS = 24 * 60 * 60 * 1000;

/** What a source has broken with. */
interface Broken {
  error?: Error;
}

/** Reads and writes volumes whose bytes lie in Ceph, by its own programs. */
export class RbdBytes {
  constructor(
    private readonly config: CinderConfig['ceph'],
    private readonly programs: Programs,
  ) {}

  /** The first `size` bytes of a volume. */
  read(connection: RbdConnection, size: number, signal: AbortSignal): Readable {
    const args = ['export', '--no-progress', connection.image, '-'];
    const whole = this.programs.filter({ ...this.#command(connection, args), signal });
    return Readable.from(beginning(whole, size), { objectMode: false });
  }

  /**
   * Writes bytes into a volume that is all zeros from `offset` on. Where the source breaks, the program
   * is told that the bytes are over instead of being killed: a writer that is killed holds the volume
   * for half a minute.
   */
  async write(
    connection: RbdConnection,
    source: AsyncIterable<Uint8Array>,
    offset: number,
  ): Promise<void> {
    const broken: Broken = {};
    const input = Readable.from(untilBroken(rbdDiff(source, offset), broken), {
      objectMode: false,
    });
    const args = ['import-diff', '--no-progress', '-', connection.image];
    try {
      const command = { ...this.#command(connection, args), writable: [], input };
      await this.programs.run({ ...command, signal: new AbortController().signal });
    } catch (error) {
      throw broken.error ?? asError(error);
    }
    if (broken.error !== undefined) throw broken.error;
  }

  #command({ user: named }: RbdConnection, args: readonly string[]) {
    const { conf, keyring, user = named } = this.config;
    const who = [
      ...['--conf', conf],
      ...(user === undefined ? [] : ['--id', user]),
      ...(keyring === undefined ? [] : ['--keyring', keyring]),
    ];
    return {
      program: 'rbd',
      args: [...who, ...args],
      readable: [path.dirname(conf), ...(keyring === undefined ? [] : [path.dirname(keyring)])],
      limits: { wallMs: WORK_MS, addressSpace: ADDRESS_SPACE },
      network: true,
    };
  }
}

async function* beginning(source: Readable, size: number): AsyncGenerator<Uint8Array> {
  let left = size;
  if (left === 0) {
    source.destroy();
    return;
  }
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function* untilBroken(
  source: AsyncIterable<Uint8Array>,
  broken: Broken,
): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    broken.error = asError(error);
  }
}
