import { Readable } from 'node:stream';
import type { Clock } from '../../core/api.js';

/** Milliseconds of standing still that a stream may catch up. */
const BURST_MS = 250;
/** Bytes that pass at once. */
const MAX_PIECE = 64 * 1024;
/** Pieces in a second at least, so that bytes keep coming at low rates. */
const PIECES_PER_SECOND = 8;

/** Lets so many bytes a second pass, for all who share it, in the order in which they ask. */
export class RateLimit {
  /** When the next byte may pass, on the clock that never jumps. */
  #next = 0;

  constructor(
    /** Bytes a second. */
    readonly rate: number,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the bytes may pass. @throws the signal's reason */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const now = performance.now();
    const start = Math.max(this.#next, now - BURST_MS);
    this.#next = start + (bytes * 1000) / this.rate;
    // Below a millisecond a timer costs more than it regulates.
    if (this.#next - now >= 1) await this.clock.sleep(this.#next - now, signal);
  }
}

/** The same bytes, no faster than every limit lets them pass. Destroying it destroys `body`. */
export function paced(body: Readable, limits: readonly RateLimit[], signal: AbortSignal): Readable {
  if (limits.length === 0) return body;
  const slowest = Math.min(...limits.map(({ rate }) => rate));
  const piece = Math.min(MAX_PIECE, Math.ceil(slowest / PIECES_PER_SECOND));
  return Readable.from(pieces(body, piece, limits, signal), { objectMode: false });
}

async function* pieces(
  body: Readable,
  length: number,
  limits: readonly RateLimit[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    for (let at = 0; at < chunk.length; at += length) {
      const piece = chunk.subarray(at, at + length);
      await Promise.all(limits.map((limit) => limit.take(piece.length, signal)));
      yield piece;
    }
  }
}
