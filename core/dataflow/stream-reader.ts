import type { Readable } from 'node:stream';
import { BugError, StowageError, TransientError } from '../base/errors.js';
import { reasonOf } from './abortable.js';

/**
 * Takes bytes out of a stream without a promise for each chunk. It never closes the stream, but stays
 * on as a listener of its errors: a source that breaks after a pass has failed must not end the process.
 */
export class StreamReader {
  readonly #stream: Readable;
  #isEnded: boolean;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#isEnded = stream.readableEnded;
    if (!this.#isEnded && stream.destroyed) this.#error = stream.errored ?? closedEarly();
    stream.on('error', this.#onError);
    stream.on('readable', this.#onReadable);
    stream.on('end', this.#onEnd);
    stream.on('close', this.#onClose);
  }

  /** All bytes have been read. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * The next bytes; `undefined` when none are at hand.
   * @throws {TransientError} `SOURCE_BROKEN` after the last byte of a stream that broke, or what the
   * source itself has thrown on purpose
   */
  read(): Uint8Array | undefined {
    const chunk: unknown = this.#stream.read();
    if (chunk instanceof Uint8Array) return chunk;
    if (chunk !== null) {
      throw new BugError({
        code: 'SOURCE_NOT_BYTES',
        message: `A source of image bytes has given a ${typeof chunk}`,
      });
    }
    if (this.#error !== undefined && !this.#isEnded) throw broken(this.#error);
    return undefined;
  }

  /**
   * Waits until the stream has something new to say, at most `timeoutMs`.
   * @returns false when the time is over
   * @throws the signal's reason
   */
  wait(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#wake = undefined;
        act();
      };
      const onAbort = (): void => {
        settle(() => {
          reject(reasonOf(signal));
        });
      };
      const timer = setTimeout(() => {
        settle(() => {
          resolve(false);
        });
      }, timeoutMs);
      this.#wake = () => {
        settle(() => {
          resolve(true);
        });
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else if (this.#isEnded || this.#error !== undefined) this.#wake();
    });
  }

  /** Stops reading; the stream is its owner's again. */
  release(): void {
    this.#stream.off('readable', this.#onReadable);
    this.#stream.off('end', this.#onEnd);
    this.#stream.off('close', this.#onClose);
  }

  readonly #onReadable = (): void => {
    this.#wake?.();
  };

  readonly #onEnd = (): void => {
    this.#isEnded = true;
    this.#wake?.();
  };

  readonly #onError = (error: Error): void => {
    this.#error ??= error;
    this.#wake?.();
  };

  readonly #onClose = (): void => {
    if (!this.#isEnded) this.#error ??= closedEarly();
    this.#wake?.();
  };
}

function closedEarly(): Error {
  return new Error('The stream was closed before its end');
}

function broken(cause: Error): StowageError {
  if (cause instanceof StowageError) return cause;
  return new TransientError({
    code: 'SOURCE_BROKEN',
    message: `The source of the bytes broke off: ${cause.message}`,
    hint: 'Send the bytes again, or let the import try again',
    cause,
  });
}
