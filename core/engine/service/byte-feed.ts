import { Readable } from 'node:stream';

/** Bytes that wait for the reader at most, beside one chunk. */
const BUFFER = 128 * 1024;

/** A stream that is fed by hand, at the pace of its reader. */
export class ByteFeed extends Readable {
  #wake: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: BUFFER });
    // Whoever feeds is told by `give`; nobody may be reading yet.
    this.on('error', () => undefined);
  }

  /** Resolves when more is wanted. One call at a time. @throws what has broken the stream */
  async give(chunk: Uint8Array): Promise<void> {
    this.#assertOpen();
    if (this.push(chunk)) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#assertOpen();
  }

  /** No more will come. */
  finish(): void {
    this.push(null);
  }

  override _read(): void {
    this.#wakeGiver();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#wakeGiver();
    callback(error);
  }

  #wakeGiver(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #assertOpen(): void {
    if (this.destroyed) throw this.errored ?? new Error('The stream is closed');
  }
}
