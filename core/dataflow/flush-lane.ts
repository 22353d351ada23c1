import { dirname } from 'node:path';
import { fileError } from './file-errors.js';
import type { ThreadFile } from './thread-file.js';
import type { ThreadGroup } from './thread-group.js';
import type { ThreadOperations } from './thread-protocol.js';

/** Flushes files one at a time, in the order asked for, on a thread of its own. */
export class FlushLane {
  readonly #threads: ThreadGroup;
  #last: Promise<void> = Promise.resolve();

  constructor(threads: ThreadGroup) {
    this.#threads = threads;
  }

  /**
   * Makes what was written so far durable, together with the file's name.
   * @param isWanted asked when the turn comes; what nobody wants any more is not done
   * @returns whether it was done
   */
  flush(file: ThreadFile, isWanted: () => boolean): Promise<boolean> {
    const args = { fd: file.fd, directory: dirname(file.path) };
    return this.#inTurn(async () => {
      if (!isWanted()) return false;
      await this.#request('sync', args, file.path);
      return true;
    });
  }

  /** Makes a file or a directory durable. */
  async flushPath(path: string): Promise<void> {
    await this.#inTurn(() => this.#request('syncPath', { path }, path));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  async #request<K extends 'sync' | 'syncPath'>(
    operation: K,
    args: ThreadOperations[K]['args'],
    path: string,
  ): Promise<void> {
    const place = this.#threads.place();
    try {
      await place.thread.request(operation, args);
    } catch (error) {
      throw fileError(error, 'write', path);
    } finally {
      place.release();
    }
  }
}
