import type { Readable } from 'node:stream';
import type { Clock } from '../../core/api.js';

/** The body of the first answer, until somebody wants it, the import stops or it has waited too long. */
export class UnusedBody {
  readonly #waiting = new AbortController();
  #body: Readable | undefined;

  constructor(body: Readable, waitMs: number, clock: Clock, signal: AbortSignal) {
    this.#body = body;
    // A break before anybody reads shows when it is read.
    body.on('error', () => undefined);
    const close = (): void => void this.take(false);
    clock.sleep(waitMs, AbortSignal.any([signal, this.#waiting.signal])).then(close, close);
  }

  /** Gives the body away once, or closes it where it is of no use. */
  take(isWanted: boolean): Readable | undefined {
    const body = this.#body;
    this.#body = undefined;
    this.#waiting.abort();
    if (isWanted && body !== undefined && !body.destroyed) return body;
    body?.destroy();
    return undefined;
  }
}
