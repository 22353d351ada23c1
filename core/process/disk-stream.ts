import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentError, StowageError, systemCode } from '../base/errors.js';
import type { GuestDisk, ProgramCommand, Programs } from '../plugin/contract/services.js';
import { NbdDisk } from './nbd/nbd-disk.js';

/** Name of the socket in the program's working directory. */
const SOCKET = 'nbd';

/**
 * The socket as the program itself names it, and as this process does by an open directory: a path
 * may be longer than a socket's name, which has 107 bytes (unix(7)).
 */
export const SOCKET_OF_PROGRAM = `/proc/self/cwd/${SOCKET}`;
const socketIn = ({ fd }: FileHandle): string => `/proc/self/fd/${fd}/${SOCKET}`;

/** Milliseconds between two looks for a server that is starting. */
const CONNECT_INTERVAL = 5;

/** What connecting fails with before the server listens. */
const NOT_YET: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED']);

/** Pieces of up to 1 MiB that wait for their reader. */
const PIECES_AHEAD = 1;

/**
 * Runs a program that serves one disk by NBD on {@link SOCKET_OF_PROGRAM}, and ends when its client
 * has left. It is stopped when the stream ends, breaks or is destroyed.
 * @throws as {@link Programs.run}
 */
export async function openDisk(
  programs: Programs,
  command: ProgramCommand & { readonly workingDirectory: string },
): Promise<GuestDisk> {
  const server = new DiskServer(programs, command);
  try {
    const socket = await server.connection(command.workingDirectory);
    const disk = await NbdDisk.open(socket);
    const pieces = server.end(disk.bytes(), socket);
    return {
      size: disk.size,
      stream: Readable.from(pieces, { objectMode: true, highWaterMark: PIECES_AHEAD }),
    };
  } catch (error) {
    throw await server.reason(error);
  }
}

/** `error` is `undefined` where the program ended well. */
interface ProgramEnd {
  readonly error: Error | undefined;
  readonly stderr: string;
}

/** The program, whose own end says more than the connection that it breaks. */
class DiskServer {
  readonly #halt = new AbortController();
  readonly #signal: AbortSignal;
  readonly #ended: Promise<ProgramEnd>;
  #isOver = false;
  /** Bytes of the disk that were passed on. */
  #passed = 0;

  constructor(programs: Programs, command: ProgramCommand) {
    this.#signal = AbortSignal.any([command.signal, this.#halt.signal]);
    this.#ended = programs
      .run({ ...command, signal: this.#signal })
      .then(
        ({ stderr }) => ({ error: undefined, stderr }),
        (error: unknown) => ({
          error: error instanceof Error ? error : new Error(String(error)),
          stderr: '',
        }),
      )
      .finally(() => {
        this.#isOver = true;
      });
  }

  /** Waits until the program listens. */
  async connection(directory: string): Promise<Socket> {
    const place = await open(directory);
    try {
      for (;;) {
        this.#signal.throwIfAborted();
        if (this.#isOver) throw new Error('The program ended before it served');
        const socket = await connected(socketIn(place));
        if (socket !== undefined) return socket;
        await sleep(CONNECT_INTERVAL);
      }
    } finally {
      await place.close();
    }
  }

  /** Passes the pieces on, then waits for the program. */
  async *end(pieces: AsyncGenerator<Buffer>, socket: Socket): AsyncGenerator<Buffer> {
    try {
      for await (const piece of pieces) {
        yield piece;
        this.#passed += piece.length;
      }
      socket.destroy();
      const { error } = await this.#ended;
      if (error !== undefined) throw error;
    } catch (error) {
      throw await this.reason(error);
    } finally {
      socket.destroy();
      this.#halt.abort();
      await this.#ended;
    }
  }

  /** Stops the program; answers why it did not serve to the end. */
  async reason(error: unknown): Promise<unknown> {
    // A program that ended by itself has the better reason, and comes to its end by itself.
    if (error instanceof StowageError) this.#halt.abort();
    else await Promise.race([this.#ended, sleep(1000, undefined, { ref: false })]);
    const byItself = this.#isOver ? await this.#ended : undefined;
    this.#halt.abort();
    await this.#ended;
    if (error instanceof StowageError) return error;
    return byItself?.error ?? unreadable(this.#passed, byItself?.stderr ?? '', error);
  }
}

async function connected(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    // Whoever reads hears of errors; without a reader they mean nothing.
    socket.on('error', () => undefined);
    return socket;
  } catch (error) {
    socket.destroy();
    if (NOT_YET.has(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** `qemu-nbd` hangs up on a client whose read has failed, and says why on its standard error. */
function unreadable(position: number, stderr: string, cause: unknown): PermanentError {
  const [, told] = /due to: (?:Failed to send reply: )?(.+)/.exec(stderr) ?? [];
  const reason = told ?? (cause instanceof Error ? cause.message : String(cause));
  return new PermanentError({
    code: 'DISK_UNREADABLE',
    message: `The disk inside the image cannot be read from byte ${position} on: ${reason}`,
    hint: 'The image may be damaged; check it with qemu-img check and send it again',
    details: { position },
    cause,
  });
}
