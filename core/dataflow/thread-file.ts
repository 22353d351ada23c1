import { BugError } from '../base/errors.js';
import type { Block, FilledBlock } from './block-pool.js';
import { fileError } from './file-errors.js';
import type { ThreadGroup, ThreadPlace } from './thread-group.js';
import type { FileAccess, ThreadOperation, ThreadOperations } from './thread-protocol.js';

/** An open file, all of whose calls run on one thread in the order in which they are made. */
export class ThreadFile {
  readonly path: string;
  /** Bytes when it was opened. */
  readonly size: number;
  readonly fd: number;
  readonly #place: ThreadPlace;

  private constructor(path: string, opened: ThreadOperations['open']['reply'], place: ThreadPlace) {
    this.path = path;
    this.size = opened.size;
    this.fd = opened.fd;
    this.#place = place;
  }

  /**
   * Opens a file; whoever opens it closes it.
   * @throws {PermanentError} `FILE_MISSING` · `FILE_FAILED`
   * @throws {ConflictError} `FILE_EXISTS` for `create`
   * @throws {CapacityError} `STAGING_DISK_FULL`
   */
  static async open(path: string, access: FileAccess, threads: ThreadGroup): Promise<ThreadFile> {
    const place = threads.place();
    try {
      return new ThreadFile(path, await place.thread.request('open', { path, access }), place);
    } catch (error) {
      place.release();
      throw fileError(error, access === 'read' ? 'read' : 'write', path);
    }
  }

  /** Replies with the bytes read, fewer than `length` at the end of the file only. */
  read(block: Block, length: number, position: number): Promise<number> {
    return this.#request('read', { fd: this.fd, offset: block.offset, length, position });
  }

  /** Writes a block where nothing was before; the file ends behind it. */
  async write({ block, length, position }: FilledBlock): Promise<void> {
    await this.#request('write', { fd: this.fd, offset: block.offset, length, position });
  }

  async truncate(size: number): Promise<void> {
    await this.#request('truncate', { fd: this.fd, size });
  }

  /** Bytes that the file occupies. */
  allocated(): Promise<number> {
    return this.#request('allocated', { fd: this.fd });
  }

  /** Call once, after every other call has settled. */
  async close(): Promise<void> {
    try {
      await this.#request('close', { fd: this.fd });
    } catch (error) {
      // A thread that has crashed has closed its files.
      if (!(error instanceof BugError)) throw error;
    } finally {
      this.#place.release();
    }
  }

  async #request<K extends ThreadOperation>(
    operation: K,
    args: ThreadOperations[K]['args'],
  ): Promise<ThreadOperations[K]['reply']> {
    try {
      return await this.#place.thread.request(operation, args);
    } catch (error) {
      throw fileError(error, operation === 'read' ? 'read' : 'write', this.path);
    }
  }
}
