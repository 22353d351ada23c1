import { StowageError, UnsupportedError } from '../base/errors.js';
import type { FilledBlock } from './block-pool.js';
import type { ThreadGroup, ThreadPlace } from './thread-group.js';

let nextJob = 0;

/** One digest of one pass, pinned to a thread. */
export class DigestJob {
  readonly algorithm: string;
  readonly #job = nextJob++;
  readonly #place: ThreadPlace;
  readonly #opened: Promise<unknown>;

  /** Does not wait for the thread: an unknown algorithm is reported by the next call. */
  constructor(algorithm: string, threads: ThreadGroup) {
    this.algorithm = algorithm;
    this.#place = threads.place();
    this.#opened = this.#place.thread.request('digestOpen', { job: this.#job, algorithm });
    this.#opened.catch(() => undefined);
  }

  async update({ block, length }: FilledBlock): Promise<void> {
    const updated = this.#place.thread.request('digestUpdate', {
      job: this.#job,
      offset: block.offset,
      length,
    });
    await this.#checkOpened(updated);
  }

  /** The digest in hex. @throws {UnsupportedError} `DIGEST_UNSUPPORTED` */
  finish(): Promise<string> {
    return this.#checkOpened(this.#place.thread.request('digestFinish', { job: this.#job }));
  }

  /** Call once, after every other call has settled, whether the digest was finished or not. */
  async close(): Promise<void> {
    try {
      await this.#place.thread.request('digestClose', { job: this.#job });
    } catch {
      // A thread that has crashed has forgotten its jobs.
    } finally {
      this.#place.release();
    }
  }

  async #checkOpened<T>(reply: Promise<T>): Promise<T> {
    try {
      return await reply;
    } catch (error) {
      await this.#opened.catch((cause: unknown) => {
        if (cause instanceof StowageError) throw cause;
        throw new UnsupportedError({
          code: 'DIGEST_UNSUPPORTED',
          message: `Cannot compute the digest "${this.algorithm}"`,
          hint: 'Choose a digest that the OpenSSL of this server has, for example sha512',
          cause,
        });
      });
      throw error;
    }
  }
}
