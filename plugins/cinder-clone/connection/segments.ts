import type { Readable } from 'node:stream';
import { IntegrityError } from '../../../core/api.js';

/** A stretch of a stream, to be written at `offset`. */
export interface Segment {
  readonly offset: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Cuts a stream where the volume that takes it is full. */
export class Segments {
  /** Bytes that have been taken so far. */
  taken = 0;
  #rest: Uint8Array | undefined;
  readonly #source: AsyncIterator<Uint8Array>;

  constructor(
    private readonly stream: Readable,
    size: number | undefined,
    name: string,
    private readonly signal: AbortSignal,
  ) {
    const chunks = stream as AsyncIterable<Uint8Array>;
    const counted = size === undefined ? chunks : exactly(chunks, size, name);
    this.#source = counted[Symbol.asyncIterator]();
  }

  /** @param capacity bytes of the volume now; asked when it is full and there is more */
  async *of(capacity: () => number): AsyncGenerator<Segment> {
    const abort = (): void => void this.stream.destroy();
    this.signal.addEventListener('abort', abort, { once: true });
    try {
      while (await this.#hasMore()) {
        yield { offset: this.taken, bytes: this.#until(capacity) };
      }
    } finally {
      this.signal.removeEventListener('abort', abort);
    }
  }

  async #hasMore(): Promise<boolean> {
    while (this.#rest === undefined || this.#rest.length === 0) {
      const next = await this.#next();
      if (next.done === true) return false;
      this.#rest = next.value;
    }
    return true;
  }

  async *#until(capacity: () => number): AsyncGenerator<Uint8Array> {
    for (;;) {
      const room = capacity() - this.taken;
      if (room === 0 || !(await this.#hasMore())) return;
      const chunk = (this.#rest ?? new Uint8Array()).subarray(0, room);
      this.#rest = this.#rest?.subarray(chunk.length);
      this.taken += chunk.length;
      yield chunk;
    }
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      const next = await this.#source.next();
      this.signal.throwIfAborted();
      return next;
    } catch (error) {
      this.signal.throwIfAborted();
      throw error;
    }
  }
}

/** The bytes of a source, which must be `size` of them. @throws {IntegrityError} `SIZE_MISMATCH` */
async function* exactly(
  source: AsyncIterable<Uint8Array>,
  size: number,
  name: string,
): AsyncGenerator<Uint8Array> {
  let taken = 0;
  for await (const chunk of source) {
    taken += chunk.length;
    if (taken > size) break;
    yield chunk;
  }
  if (taken === size) return;
  throw new IntegrityError({
    code: 'SIZE_MISMATCH',
    message: `"${name}" has ${taken > size ? 'more than' : 'only'} ${Math.min(taken, size)} bytes, expected ${size}`,
  });
}
