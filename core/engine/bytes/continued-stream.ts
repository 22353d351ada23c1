import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { StowageError, TransientError } from '../../base/errors.js';

/** Opens the bytes of a source from an offset. */
type Open = (offset: number) => Promise<Readable>;

export interface ContinuedOptions {
  /** Bytes in all, where they are known: a stream that ends before them has broken. */
  readonly size: number | undefined;
  /** Called with the position at which the next opening goes on, and why the last one ended. */
  readonly onContinue: (position: number, reason: Error) => void;
  /** Milliseconds before each try to open it again. @default at once, then after 1, 2 and 4 seconds */
  readonly waitsMs?: readonly number[];
}

/**
 * Bytes that one opening has to bring for the next to count as its continuation. A source that breaks
 * sooner is left to the retries of the engine, which wait longer each time and end.
 */
const MIN_PROGRESS = 1024 * 1024;
/** A server that restarts is back soon, and its next opening is cheaper than another attempt. */
const WAITS_MS: readonly number[] = [0, 1000, 2000, 4000];
/** Bytes that wait for the reader; the source has buffers of its own. */
const HIGH_WATER_MARK = 256 * 1024;

/**
 * The bytes of a resumable source from `offset` to their end, in one stream out of as many openings as it
 * takes: a line that is cut after some progress costs a request, and not another reading of what is there.
 */
export async function openContinued(
  open: Open,
  offset: number,
  options: ContinuedOptions,
): Promise<Readable> {
  return new ContinuedStream(open, await open(offset), offset, options);
}

class ContinuedStream extends Readable {
  #position: number;
  #openedAt: number;
  #body: Readable | undefined;
  #failure: Error | undefined;
  readonly #over = new AbortController();

  constructor(
    private readonly open: Open,
    first: Readable,
    offset: number,
    private readonly options: ContinuedOptions,
  ) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.#position = offset;
    this.#openedAt = offset;
    this.#attach(first);
  }

  override _read(): void {
    this.#body?.resume();
  }

  override read(size?: number): unknown {
    const bytes: unknown = super.read(size);
    this.#failWhenRead();
    return bytes;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#over.abort();
    this.#body?.destroy();
    callback(error);
  }

  #attach(body: Readable): void {
    this.#body = body;
    this.#openedAt = this.#position;
    body.on('data', (bytes: Uint8Array) => {
      this.#position += bytes.length;
      if (!this.push(bytes)) body.pause();
    });
    body.on('end', () => {
      this.#ended(body);
    });
    body.on('error', (error) => {
      this.#broke(body, error);
    });
    body.on('close', () => {
      this.#broke(body, brokenOff('it was closed before its end'));
    });
  }

  #ended(body: Readable): void {
    if (this.#body !== body) return;
    const { size } = this.options;
    if (size !== undefined && this.#position < size) {
      this.#broke(body, brokenOff(`it ended after ${this.#position} of ${size} bytes`));
      return;
    }
    this.#body = undefined;
    this.push(null);
  }

  #broke(body: Readable, error: Error): void {
    // Of one body only the first reason counts, and none after its end.
    if (this.#body !== body || this.destroyed) return;
    this.#body = undefined;
    body.destroy();
    const mayPass = !(error instanceof StowageError) || error instanceof TransientError;
    if (!mayPass || this.#position - this.#openedAt < MIN_PROGRESS) {
      this.#failure = error;
      this.#failWhenRead();
      return;
    }
    this.options.onContinue(this.#position, error);
    this.#reopen().catch((failure: unknown) => {
      this.#failure = failure instanceof Error ? failure : new Error(String(failure));
      this.#failWhenRead();
    });
  }

  /** What has come is the reader's before it learns that no more does. */
  #failWhenRead(): void {
    if (this.#failure !== undefined && this.readableLength === 0) this.destroy(this.#failure);
  }

  async #reopen(): Promise<void> {
    const { waitsMs = WAITS_MS } = this.options;
    for (const [tries, ms] of waitsMs.entries()) {
      await sleep(ms, undefined, { signal: this.#over.signal });
      try {
        const next = await this.open(this.#position);
        if (this.destroyed) next.destroy();
        else this.#attach(next);
        return;
      } catch (failure) {
        const mayPass = failure instanceof TransientError && failure.retryAfterMs === undefined;
        if (!mayPass || this.destroyed || tries === waitsMs.length - 1) throw failure;
      }
    }
  }
}

function brokenOff(why: string): TransientError {
  return new TransientError({
    code: 'SOURCE_BROKEN',
    message: `The source of the bytes broke off: ${why}`,
    hint: 'Check the server that sends them; it is tried again by itself',
  });
}
