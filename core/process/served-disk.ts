import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
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

/**
 * Runs a program that serves one disk by NBD on {@link SOCKET_OF_PROGRAM}, and ends when its client
 * has left.
 * @throws as {@link Programs.run}
 */
export async function openDisk(
  programs: Programs,
  command: ProgramCommand & { readonly workingDirectory: string },
): Promise<GuestDisk> {
  const server = new DiskServer(programs, command);
  try {
    return new ServedDisk(await server.connection(command.workingDirectory), server);
  } catch (error) {
    throw await server.reason(error, 0);
  }
}

class ServedDisk implements GuestDisk {
  readonly #disk: NbdDisk;
  readonly #server: DiskServer;
  #closing: Promise<void> | undefined;

  constructor(disk: NbdDisk, server: DiskServer) {
    this.#disk = disk;
    this.#server = server;
  }

  get size(): number {
    return this.#disk.size;
  }

  async read(target: Uint8Array, position: number): Promise<void> {
    try {
      await this.#disk.read(target, position);
    } catch (error) {
      if (this.#closing !== undefined) throw error;
      throw await this.#server.reason(error, position);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { isBusy } = this.#disk;
    if (isBusy) this.#server.halt();
    this.#disk.close();
    const { error } = await this.#server.ended;
    if (error !== undefined && !isBusy) throw error;
  }
}

/** `error` is `undefined` where the program ended well. */
interface ProgramEnd {
  readonly error: Error | undefined;
  readonly stderr: string;
}

/** The program, whose own end says more than the connection that it breaks. */
class DiskServer {
  readonly ended: Promise<ProgramEnd>;
  readonly #halt = new AbortController();
  readonly #signal: AbortSignal;
  #isOver = false;

  constructor(programs: Programs, command: ProgramCommand) {
    this.#signal = AbortSignal.any([command.signal, this.#halt.signal]);
    this.ended = programs
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
  async connection(directory: string): Promise<NbdDisk> {
    const place = await open(directory);
    try {
      for (;;) {
        this.#signal.throwIfAborted();
        if (this.#isOver) throw new Error('The program ended before it served');
        const disk = await connected(socketIn(place));
        if (disk !== undefined) return disk;
        await sleep(CONNECT_INTERVAL);
      }
    } finally {
      await place.close();
    }
  }

  halt(): void {
    this.#halt.abort();
  }

  /** Stops the program; answers why it did not serve the disk from `position` on. */
  async reason(error: unknown, position: number): Promise<unknown> {
    // A program that ended by itself has the better reason, and comes to its end by itself.
    if (error instanceof StowageError) this.halt();
    else await Promise.race([this.ended, sleep(1000, undefined, { ref: false })]);
    const byItself = this.#isOver ? await this.ended : undefined;
    this.halt();
    await this.ended;
    if (error instanceof StowageError) return error;
    return byItself?.error ?? unreadable(position, byItself?.stderr ?? '', error);
  }
}

async function connected(path: string): Promise<NbdDisk | undefined> {
  try {
    return await NbdDisk.open(path);
  } catch (error) {
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
