import { Readable } from 'node:stream';
import { CapacityError, ConflictError, NotFoundError } from '../../base/errors.js';
import { FlushPoints } from '../../dataflow/flush-points.js';
import type { ClientBody } from '../../plugin/contract/source.js';
import { ByteFeed } from './byte-feed.js';

/** What a session needs of the engine. */
export interface SessionActs {
  /** Runs a pass over the bytes, from those that are durable already to the last. */
  pass(bytes: Readable, flushes: FlushPoints): Promise<unknown>;
  /** Records that so many bytes are durable and the client was heard of; `false` where all is gone. */
  touch(durable: number): Promise<boolean>;
}

interface RunningRequest {
  readonly body: Readable;
  readonly over: Promise<void>;
}

/**
 * An upload while its client is sending it. One pass goes on from request to request, so that every
 * byte is digested and inspected once however many requests bring them; one request at a time.
 */
export class UploadSession {
  readonly #feed = new ByteFeed();
  readonly #flushes = new FlushPoints();
  readonly #length: number;
  readonly #acts: SessionActs;
  #received: number;
  #request: RunningRequest | undefined;
  #pass: Promise<unknown> | undefined;

  /** `durable` bytes of `length` are there. */
  constructor(durable: number, length: number, acts: SessionActs) {
    this.#received = durable;
    this.#length = length;
    this.#acts = acts;
  }

  /** Nothing is under way and nothing ever was. */
  get isUnused(): boolean {
    return this.#pass === undefined && this.#request === undefined;
  }

  /**
   * Takes the body of a request. When the promise is settled, whatever came is durable and recorded,
   * however the request has ended; after the last byte the whole is ready.
   * @throws {ConflictError} `UPLOAD_BUSY` · `UPLOAD_OFFSET`
   * @throws {CapacityError} `UPLOAD_TOO_LONG`
   * @throws {NotFoundError} `UPLOAD_NOT_FOUND`
   * @throws what has ended the body or the pass
   */
  async send(offset: number, { stream, size = 0 }: ClientBody): Promise<void> {
    if (this.#request !== undefined) throw busy();
    if (offset !== this.#received) throw wrongOffset(offset, this.#received);
    this.#assertFits(offset + size);
    const request = { body: stream, over: this.#take(stream) };
    this.#request = request;
    try {
      await request.over;
    } finally {
      this.#request = undefined;
    }
  }

  /** All bytes are there and nobody has been told yet, or there are none. */
  async complete(): Promise<void> {
    await this.send(this.#length, { stream: Readable.from([]), size: 0 });
  }

  /** Ends the request that is sending; resolves when what it has brought is kept. */
  async interrupt(reason: Error): Promise<void> {
    const { body, over } = this.#request ?? {};
    body?.destroy(reason);
    await over?.catch(() => undefined);
  }

  /** Resolves when the pass is over. */
  async ended(): Promise<void> {
    await this.#pass?.catch(() => undefined);
  }

  async #take(stream: Readable): Promise<void> {
    if (!(await this.#acts.touch(this.#received))) throw uploadNotFound();
    const pass = (this.#pass ??= this.#start());
    const failure = await this.#pump(stream);
    if (this.#received === this.#length) {
      this.#feed.finish();
      await pass;
      return;
    }
    await Promise.race([this.#flushes.reach(this.#received), pass]);
    await this.#acts.touch(this.#received);
    if (failure !== undefined) throw failure;
  }

  #start(): Promise<unknown> {
    const pass = this.#acts.pass(this.#feed, this.#flushes).finally(() => this.#feed.destroy());
    // It may end while a request waits for its client, or none is there.
    pass.catch((error: unknown) => this.#request?.body.destroy(asError(error)));
    return pass;
  }

  /** Answers why the body has ended before its end. */
  async #pump(stream: Readable): Promise<Error | undefined> {
    try {
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        this.#assertFits(this.#received + chunk.length);
        await this.#feed.give(chunk);
        this.#received += chunk.length;
      }
      return undefined;
    } catch (error) {
      return asError(error);
    }
  }

  #assertFits(end: number): void {
    if (end <= this.#length) return;
    throw new CapacityError({
      code: 'UPLOAD_TOO_LONG',
      message: `The upload has ${this.#length} bytes, and the request goes up to byte ${end}`,
      hint: 'Send as many bytes as Upload-Length has said, or begin a new upload',
    });
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function busy(): ConflictError {
  return new ConflictError({
    code: 'UPLOAD_BUSY',
    message: 'Another request is sending bytes of this upload',
    hint: 'Wait for it, or ask for the offset with HEAD, which ends it',
  });
}

function wrongOffset(offset: number, found: number): ConflictError {
  return new ConflictError({
    code: 'UPLOAD_OFFSET',
    message: `The request begins at byte ${offset}, and the upload has ${found}`,
    hint: 'Ask for the offset with HEAD and go on from there',
    details: { offset: found },
  });
}

export function uploadNotFound(): NotFoundError {
  return new NotFoundError({
    code: 'UPLOAD_NOT_FOUND',
    message: 'There is no such upload of this image',
    hint: 'It may have been imported, given up or expired: look at the image, then begin a new upload',
  });
}
