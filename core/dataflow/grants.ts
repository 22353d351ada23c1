import { BugError } from '../base/errors.js';
import { abortable } from './abortable.js';
import { Occupied } from './occupied.js';

/** See `PassJob.grant`. */
export type Grant = (bytes: number) => Promise<number>;

/** Keeps what a target occupies below what was granted for it. */
export class Grants {
  readonly #grant: Grant | undefined;
  readonly #occupied: Occupied;
  readonly #signal: AbortSignal;
  #granted: number;
  #needed: number;

  /** @param start bytes of the target that are there already */
  constructor(grant: Grant | undefined, start: number, signal: AbortSignal) {
    this.#grant = grant;
    this.#occupied = new Occupied(start);
    this.#signal = signal;
    this.#granted = start;
    this.#needed = start;
  }

  /** Counts a chunk that stands at `position`, behind all before; answers whether to {@link obtain} more. */
  isShort(chunk: Uint8Array, position: number): boolean {
    if (this.#grant === undefined) return false;
    this.#needed = this.#occupied.add(chunk, position);
    return this.#needed > this.#granted;
  }

  /** Waits until everything that was counted is granted. @throws the signal's reason */
  async obtain(): Promise<void> {
    if (this.#grant === undefined || this.#needed <= this.#granted) return;
    this.#granted = await abortable(this.#grant(this.#needed), this.#signal);
    if (this.#granted >= this.#needed) return;
    throw new BugError({
      code: 'GRANT_TOO_SMALL',
      message: `${this.#needed} bytes were asked for and ${this.#granted} bytes granted`,
    });
  }
}
