import type { Readable } from 'node:stream';
import { reasonOf } from './abortable.js';
import { sourceBroken, sourceNotBytes, sourceStalled } from './source-errors.js';

/**
 * Asked once for each chunk, before any of it is taken; answers whether to take it now or to end the
 * block before it. What it throws is thrown behind the bytes before the chunk.
 */
export type Admit = (chunk: Uint8Array) => boolean;

interface Filling {
  readonly bytes: Uint8Array;
  readonly admit: Admit;
  length: number;
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly resolve: (isInTime: boolean) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * Takes bytes out of a stream: each chunk goes into the block that is being filled in the turn in which
 * it comes, without a promise or a timer of its own. Between blocks the stream is paused.
 *
 * The stream is never closed, and its errors are listened to for ever: a source that breaks after a
 * pass has failed must not end the process.
 */
export class StreamReader {
  readonly #stream: Readable;
  readonly #signal: AbortSignal;
  /** What came and is not taken; the first one may be the rest of a chunk. */
  readonly #chunks: Uint8Array[] = [];
  /** Whether the first chunk was admitted. */
  #isAdmitted = false;
  #isStarted = false;
  #hasEnded: boolean;
  #error: Error | undefined;
  #filling: Filling | undefined;
  #waiting: Waiting | undefined;

  /** Nothing is asked of the stream before the first wait. `release` it. */
  constructor(stream: Readable, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
    this.#hasEnded = stream.readableEnded;
    if (!this.#hasEnded && stream.destroyed) this.#error = stream.errored ?? closedEarly();
    stream.on('error', this.#onError);
    stream.on('end', this.#onEnd);
    stream.on('close', this.#onClose);
    signal.addEventListener('abort', this.#onAbort);
  }

  /**
   * Waits for bytes.
   * @returns false at the end of the stream
   * @throws {TransientError} `SOURCE_STALLED` when none came for `timeoutMs`; `SOURCE_BROKEN` after the
   * last byte of a stream that broke, or what the source or `admit` has thrown on purpose
   * @throws the signal's reason
   */
  async untilBytes(timeoutMs: number): Promise<boolean> {
    this.#signal.throwIfAborted();
    if (!this.#isOver()) {
      this.#flow();
      if (!(await this.#wait(timeoutMs))) throw sourceStalled(timeoutMs);
    }
    if (this.#chunks.length > 0) return true;
    if (this.#error !== undefined) throw sourceBroken(this.#error);
    return false;
  }

  /**
   * Fills `bytes`, or as much of them as comes without a gap of `lingerMs`, and as is admitted.
   * @returns the number of bytes
   * @throws the signal's reason
   */
  async fill(bytes: Uint8Array, admit: Admit, lingerMs: number): Promise<number> {
    this.#signal.throwIfAborted();
    const filling = { bytes, admit, length: 0 };
    this.#filling = filling;
    try {
      if (this.#canGoOn(filling) && !this.#isOver()) {
        this.#flow();
        await this.#wait(lingerMs);
      }
      return filling.length;
    } finally {
      this.#filling = undefined;
      this.#stream.pause();
    }
  }

  /** Stops reading; the stream is its owner's again. */
  release(): void {
    this.#stream.off('data', this.#onData);
    this.#stream.off('end', this.#onEnd);
    this.#stream.off('close', this.#onClose);
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (this.#isStarted) this.#stream.pause();
  }

  /** There is something to say without waiting. */
  #isOver(): boolean {
    return this.#chunks.length > 0 || this.#hasEnded || this.#error !== undefined;
  }

  #flow(): void {
    if (!this.#isStarted) this.#stream.on('data', this.#onData);
    this.#isStarted = true;
    this.#stream.resume();
  }

  /** Moves what came into the block; answers whether the block can take more. */
  #take(filling: Filling): boolean {
    const { bytes } = filling;
    for (;;) {
      const [chunk] = this.#chunks;
      if (chunk === undefined) return true;
      if (!this.#isAdmitted) {
        this.#isAdmitted = true;
        if (!filling.admit(chunk)) return false;
      }
      const piece = chunk.subarray(0, bytes.length - filling.length);
      bytes.set(piece, filling.length);
      filling.length += piece.length;
      if (piece.length < chunk.length) {
        this.#chunks[0] = chunk.subarray(piece.length);
      } else {
        this.#chunks.shift();
        this.#isAdmitted = false;
      }
      if (filling.length === bytes.length) return false;
    }
  }

  #wait(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#wake(false);
      }, timeoutMs);
      this.#waiting = { timer, resolve, reject };
    });
  }

  #wake(isInTime: boolean): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    clearTimeout(waiting.timer);
    waiting.resolve(isInTime);
  }

  readonly #onData = (chunk: unknown): void => {
    if (!(chunk instanceof Uint8Array)) {
      this.#fail(sourceNotBytes(chunk));
      return;
    }
    this.#chunks.push(chunk);
    if (this.#filling !== undefined && this.#canGoOn(this.#filling)) {
      this.#waiting?.timer.refresh();
      return;
    }
    this.#stream.pause();
    this.#wake(true);
  };

  #canGoOn(filling: Filling): boolean {
    try {
      return this.#take(filling);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  /** What came and was not taken is of no use any more. */
  #fail(error: Error): void {
    this.#chunks.length = 0;
    this.#error = error;
    this.#stream.pause();
    this.#wake(true);
  }

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#wake(true);
  };

  readonly #onError = (error: Error): void => {
    if (!this.#hasEnded) this.#error ??= error;
    this.#wake(true);
  };

  readonly #onClose = (): void => {
    if (!this.#hasEnded) this.#error ??= closedEarly();
    this.#wake(true);
  };

  readonly #onAbort = (): void => {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    clearTimeout(waiting?.timer);
    waiting?.reject(reasonOf(this.#signal));
  };
}

function closedEarly(): Error {
  return new Error('The stream was closed before its end');
}
