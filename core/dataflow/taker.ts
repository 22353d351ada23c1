import { Readable } from 'node:stream';
import { BLOCK_SIZE } from './block-pool.js';

/** Blocks that wait for one taker. */
const QUEUE = 4;

/** A stream that is fed block by block, and says whether it has room for another one. */
export class Taker {
  readonly stream: Readable;
  /** When it has last taken a block, by `performance.now()`. */
  tookAt = performance.now();
  #fed = 0;
  #queue: Buffer[] = [];
  #isHungry = false;
  #hasEnded = false;

  /** Called when there is room, and when the stream is destroyed. */
  onChange: () => void = () => undefined;

  constructor() {
    this.stream = new Readable({
      highWaterMark: BLOCK_SIZE,
      read: () => {
        this.tookAt = performance.now();
        const next = this.#queue.shift();
        if (next !== undefined) this.stream.push(next);
        else if (this.#hasEnded) this.stream.push(null);
        else this.#isHungry = true;
        this.onChange();
      },
      destroy: (error, callback) => {
        this.#queue = [];
        this.onChange();
        callback(error);
      },
    });
    // A failure that comes before the taker listens must not end the process.
    this.stream.on('error', () => undefined);
  }

  /** Bytes that it was fed. */
  get fed(): number {
    return this.#fed;
  }

  get isGone(): boolean {
    return this.stream.destroyed;
  }

  get isFull(): boolean {
    return !this.isGone && this.#queue.length >= QUEUE;
  }

  feed(bytes: Buffer): void {
    this.#fed += bytes.length;
    this.#give(bytes);
  }

  end(): void {
    this.#hasEnded = true;
    this.#give(null);
  }

  fail(error: Error): void {
    this.stream.destroy(error);
  }

  #give(bytes: Buffer | null): void {
    if (this.#isHungry) {
      this.#isHungry = false;
      this.stream.push(bytes);
    } else if (bytes !== null) {
      this.#queue.push(bytes);
    }
  }
}
