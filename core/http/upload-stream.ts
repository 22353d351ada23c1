import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { CancelledError, TransientError } from '../base/errors.js';
import { letContinue } from './expect.js';

/** Bytes that wait for the reader at most. */
const BUFFER = 128 * 1024;

/**
 * The bytes of an upload as they come. Nothing is asked of the client, and nothing read, before the
 * first read here, so that an upload which is refused costs nothing. The reader's pace is the
 * client's pace.
 *
 * Errors: {@link CancelledError} `CLIENT_GONE` when the connection ends before the body does;
 * {@link TransientError} `UPLOAD_STALLED` when nothing comes for `idleTimeoutMs` while it is awaited.
 */
export class UploadStream extends Readable {
  readonly #req: IncomingMessage;
  readonly #idleTimeoutMs: number;
  readonly #onBytes: (count: number) => void;
  #idle: NodeJS.Timeout | undefined;
  #begun = false;

  constructor(
    req: IncomingMessage,
    options: { readonly idleTimeoutMs: number; readonly onBytes: (count: number) => void },
  ) {
    super({ highWaterMark: BUFFER });
    this.#req = req;
    this.#idleTimeoutMs = options.idleTimeoutMs;
    this.#onBytes = options.onBytes;
    req.once('close', this.#closed);
  }

  override _read(): void {
    if (!this.#begun) {
      this.#begun = true;
      this.#req.on('data', this.#received).once('end', this.#ended).once('error', this.#closed);
      letContinue(this.#req);
    }
    this.#awaitBytes();
    this.#req.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    clearTimeout(this.#idle);
    this.#req.off('data', this.#received).off('end', this.#ended).off('close', this.#closed);
    // What is left of the body is dropped, or the connection closed, with the answer.
    this.#req.pause();
    callback(error);
  }

  readonly #received = (chunk: Buffer): void => {
    clearTimeout(this.#idle);
    this.#onBytes(chunk.length);
    if (this.push(chunk)) this.#awaitBytes();
    else this.#req.pause();
  };

  readonly #ended = (): void => {
    clearTimeout(this.#idle);
    this.push(null);
  };

  readonly #closed = (): void => {
    if (this.#req.complete) return;
    this.destroy(
      new CancelledError({
        code: 'CLIENT_GONE',
        message: 'The client went away before it had sent everything',
        hint: 'Send the data again',
      }),
    );
  };

  #awaitBytes(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.destroy(
        new TransientError({
          code: 'UPLOAD_STALLED',
          message: `No data came for ${this.#idleTimeoutMs / 1000} s`,
          hint: 'Send the data again, or raise "server.upload_idle_timeout"',
        }),
      );
    }, this.#idleTimeoutMs);
  }
}
