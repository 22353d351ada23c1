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
 * {@link TransientError} `UPLOAD_STALLED` when nothing comes for `idleTimeoutMs` while it is awaited, or
 * over that time less than `minRate` bytes a second.
 */
export class UploadStream extends Readable {
  readonly #req: IncomingMessage;
  readonly #idleTimeoutMs: number;
  readonly #minRate: number;
  readonly #onBytes: (count: number) => void;
  #idle: NodeJS.Timeout | undefined;
  /** Since when nothing came although it is awaited; `undefined` while nothing is awaited. */
  #idleSince: number | undefined;
  #begun = false;
  /** When bytes were first awaited, and how many came since; `undefined` while none are awaited. */
  #window: { readonly since: number; bytes: number } | undefined;

  constructor(
    req: IncomingMessage,
    options: {
      readonly idleTimeoutMs: number;
      readonly minRate: number;
      readonly onBytes: (count: number) => void;
    },
  ) {
    super({ highWaterMark: BUFFER });
    this.#req = req;
    this.#idleTimeoutMs = options.idleTimeoutMs;
    this.#minRate = options.minRate;
    this.#onBytes = options.onBytes;
    req.once('close', this.#closed);
  }

  override _read(): void {
    if (!this.#begun) {
      this.#begun = true;
      this.#req.on('data', this.#received).once('end', this.#ended).once('error', this.#closed);
      letContinue(this.#req);
    }
    this.#window ??= { since: performance.now(), bytes: 0 };
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
    this.#onBytes(chunk.length);
    if (!this.#isFastEnough(chunk.length)) return;
    if (this.push(chunk)) {
      this.#awaitBytes();
    } else {
      this.#idleSince = undefined;
      this.#window = undefined;
      this.#req.pause();
    }
  };

  /** Judges each window when it is over; a reader that cannot keep up begins a new one. */
  #isFastEnough(bytes: number): boolean {
    const window = (this.#window ??= { since: performance.now(), bytes: 0 });
    window.bytes += bytes;
    const seconds = (performance.now() - window.since) / 1000;
    if (seconds * 1000 < this.#idleTimeoutMs) return true;
    this.#window = { since: performance.now(), bytes: 0 };
    if (window.bytes >= this.#minRate * seconds) return true;
    this.#stall(
      `Only ${window.bytes} bytes came in ${seconds.toFixed(0)} s, at least ${this.#minRate} a second are wanted`,
      'Send the data again over a faster line, or ask the operator to lower "server.upload_min_rate"',
    );
    return false;
  }

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

  /** The timer is not set anew for each piece of the body: it looks how long it was quiet. */
  #awaitBytes(): void {
    this.#idleSince = performance.now();
    this.#idle ??= setTimeout(this.#judgeIdle, this.#idleTimeoutMs);
  }

  readonly #judgeIdle = (): void => {
    this.#idle = undefined;
    if (this.#idleSince === undefined) return;
    const leftMs = this.#idleSince + this.#idleTimeoutMs - performance.now();
    if (leftMs > 0) {
      this.#idle = setTimeout(this.#judgeIdle, leftMs);
      return;
    }
    this.#stall(
      `No data came for ${this.#idleTimeoutMs / 1000} s`,
      'Send the data again, or raise "server.upload_idle_timeout"',
    );
  };

  #stall(message: string, hint: string): void {
    this.destroy(new TransientError({ code: 'UPLOAD_STALLED', message, hint }));
  }
}
