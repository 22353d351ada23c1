import { basename } from 'node:path';
import { IntegrityError } from '../base/errors.js';
import type { FilledBlock } from './block-pool.js';
import type { FlushLane } from './flush-lane.js';
import type { FlushPoints } from './flush-points.js';
import { ThreadFile } from './thread-file.js';
import type { ThreadGroup } from './thread-group.js';

/** Threads that files need. */
export interface FileThreads {
  readonly files: ThreadGroup;
  /** Flushes while bytes still come. */
  readonly background: FlushLane;
  /** Flushes that somebody waits for. */
  readonly final: FlushLane;
}

/**
 * Bytes after which a flush is started, so that the last one has little left to do, and a download that is
 * killed has little to fetch again.
 */
const FLUSH_INTERVAL = 16 * 1024 * 1024;

/** Who wants to know of durable bytes, or to have them. */
export interface TargetWatching {
  readonly onDurable?: (bytes: number) => void;
  readonly flushes?: FlushPoints;
}

/** A file that is written from one end to the other and knows how much of it is durable. */
export class TargetFile {
  readonly file: ThreadFile;
  readonly #threads: FileThreads;
  readonly #onDurable: (bytes: number) => void;
  readonly #flushes: FlushPoints | undefined;
  #written: number;
  #durable: number;
  #flushStarted: number;
  #background: Promise<void> | undefined;
  #isFlushing = false;
  #flushError: Error | undefined;
  #isClosing = false;

  constructor(
    file: ThreadFile,
    start: number,
    threads: FileThreads,
    { onDurable, flushes }: TargetWatching,
  ) {
    this.file = file;
    this.#threads = threads;
    this.#onDurable = onDurable ?? (() => undefined);
    this.#flushes = flushes;
    this.#written = start;
    this.#durable = start;
    this.#flushStarted = start;
  }

  /**
   * Opens a target that goes on behind `prefix` bytes, which must be there; what follows them is
   * dropped. Without a prefix the file is created or emptied.
   * @throws {IntegrityError} `PREFIX_MISSING`
   */
  static async open(
    path: string,
    prefix: number,
    threads: FileThreads,
    watching: TargetWatching,
  ): Promise<TargetFile> {
    const file = await ThreadFile.open(path, prefix === 0 ? 'replace' : 'write', threads.files);
    try {
      if (file.size < prefix) throw prefixMissing(path, prefix, file.size);
      if (file.size > prefix) await file.truncate(prefix);
      const target = new TargetFile(file, prefix, threads, watching);
      watching.flushes?.attach(target);
      return target;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes that were written. */
  get written(): number {
    return this.#written;
  }

  /** Those of them that survive a power cut. */
  get durable(): number {
    return this.#durable;
  }

  /** Call in the order of the blocks; the calls may overlap. */
  async write(filled: FilledBlock): Promise<void> {
    if (this.#flushError !== undefined) throw this.#flushError;
    await this.file.write(filled);
    this.#written = filled.position + filled.length;
    this.#flushes?.advanced();
    if (this.#written - this.#flushStarted >= FLUSH_INTERVAL) this.#flushInBackground();
  }

  /** Waits until everything written is durable, and answers how many bytes that is. */
  async flush(): Promise<number> {
    await this.#endBackground();
    // The kernel reports a failed write-back once (fsync(2)), so a second flush would succeed.
    if (this.#flushError !== undefined) throw this.#flushError;
    const written = this.#written;
    await this.#threads.final.flush(this.file, () => true);
    this.#madeDurable(written);
    return written;
  }

  /** As {@link flush}, while more is to come. */
  async flushWritten(): Promise<number> {
    if (this.#flushError !== undefined) throw this.#flushError;
    const written = this.#written;
    if (written <= this.#durable) return written;
    try {
      await this.#threads.final.flush(this.file, () => true);
    } catch (error) {
      this.#flushError = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
    this.#madeDurable(written);
    return written;
  }

  /** Call once, after every write has settled, with what went wrong. Does not flush. */
  async close(reason?: unknown): Promise<void> {
    await this.#endBackground();
    await this.#flushes?.end(this.#durable, reason);
    await this.file.close();
  }

  #flushInBackground(): void {
    if (this.#background !== undefined || this.#isClosing) return;
    const written = this.#written;
    this.#flushStarted = written;
    this.#background = this.#threads.background
      .flush(this.file, () => {
        this.#isFlushing = !this.#isClosing;
        return this.#isFlushing;
      })
      .then((isDone) => {
        if (isDone) this.#madeDurable(written);
      })
      .catch((error: unknown) => {
        this.#flushError = error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        this.#background = undefined;
        this.#isFlushing = false;
      });
  }

  /** A flush that has begun uses the file's number; one that waits for its turn will not begin. */
  async #endBackground(): Promise<void> {
    this.#isClosing = true;
    if (this.#isFlushing) await this.#background;
  }

  #madeDurable(bytes: number): void {
    if (bytes <= this.#durable) return;
    this.#durable = bytes;
    this.#onDurable(bytes);
  }
}

export function prefixMissing(path: string, prefix: number, size: number): IntegrityError {
  return new IntegrityError({
    code: 'PREFIX_MISSING',
    message: `The file "${basename(path)}" should begin with ${prefix} bytes that were kept, but has ${size}`,
    hint: 'Check the disk; the import has to begin from its first byte again',
    details: { prefix, size },
  });
}
