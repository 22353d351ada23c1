import type { FileHandle } from 'node:fs/promises';

/** Bytes after which a flush is started. */
const INTERVAL = 32 * 1024 * 1024;

/** Brings a file to the disk while more of it is written, so that the last flush has little left to do. */
export class EarlyFlush {
  readonly #file: FileHandle;
  #unflushed = 0;
  #running: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** So many bytes more were written. */
  wrote(bytes: number): void {
    this.#unflushed += bytes;
    if (this.#unflushed < INTERVAL || this.#running !== undefined) return;
    this.#unflushed = 0;
    this.#running = this.#flush();
  }

  /** Makes everything durable. @throws what any of the flushes has failed with */
  async finish(): Promise<void> {
    await this.#running;
    // The kernel reports a failed write-back once (fsync(2)): a second flush would succeed.
    if (this.#failure !== undefined) throw this.#failure;
    await this.#file.datasync();
  }

  async #flush(): Promise<void> {
    try {
      await this.#file.datasync();
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#running = undefined;
    }
  }
}
