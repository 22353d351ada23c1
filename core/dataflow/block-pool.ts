import { abortable } from './abortable.js';

/** Bytes of one block. */
export const BLOCK_SIZE = 1024 * 1024;

/** A piece of the memory that is shared with the threads. */
export interface Block {
  /** Place in the shared memory, bytes. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A block that holds `length` bytes of the data, which stand at `position` there. */
export interface FilledBlock {
  readonly block: Block;
  readonly length: number;
  readonly position: number;
}

/**
 * All the memory that image bytes may take while they pass, whatever their number and size: it is
 * reserved once and becomes resident as it is used. Who holds a block never waits for another one, so
 * that every block comes back.
 */
export class BlockPool {
  readonly memory: SharedArrayBuffer;
  readonly #free: Block[] = [];
  readonly #waiting: ((block: Block) => void)[] = [];

  constructor(count: number) {
    this.memory = new SharedArrayBuffer(count * BLOCK_SIZE);
    for (let index = count - 1; index >= 0; index -= 1) {
      const offset = index * BLOCK_SIZE;
      this.#free.push({ offset, bytes: new Uint8Array(this.memory, offset, BLOCK_SIZE) });
    }
  }

  /** The block that was used last, since it is resident; `undefined` where none is free. */
  tryAcquire(): Block | undefined {
    return this.#free.pop();
  }

  /** First come, first served. @throws the signal's reason */
  async acquire(signal: AbortSignal): Promise<Block> {
    const free = this.tryAcquire();
    if (free !== undefined) return free;
    let take: (block: Block) => void = () => undefined;
    const next = new Promise<Block>((resolve) => {
      take = resolve;
    });
    this.#waiting.push(take);
    try {
      return await abortable(next, signal);
    } catch (error) {
      const index = this.#waiting.indexOf(take);
      if (index >= 0) this.#waiting.splice(index, 1);
      // The block was handed over in the same turn in which the signal was aborted.
      else
        void next.then((block) => {
          this.release(block);
        });
      throw error;
    }
  }

  release(block: Block): void {
    const take = this.#waiting.shift();
    if (take === undefined) this.#free.push(block);
    else take(block);
  }
}

/** What one pass may hold of the pool. */
export class BlockShare {
  readonly #pool: BlockPool;
  readonly #limit: number;
  #held = 0;
  #wake: (() => void) | undefined;

  constructor(pool: BlockPool, limit: number) {
    this.#pool = pool;
    this.#limit = limit;
  }

  tryAcquire(): Block | undefined {
    if (this.#held >= this.#limit) return undefined;
    const block = this.#pool.tryAcquire();
    if (block !== undefined) this.#held += 1;
    return block;
  }

  /** Call again only after it has settled. @throws the signal's reason */
  async acquire(signal: AbortSignal): Promise<Block> {
    if (this.#held >= this.#limit) {
      await abortable(
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        signal,
      );
    }
    this.#held += 1;
    try {
      return await this.#pool.acquire(signal);
    } catch (error) {
      this.#held -= 1;
      throw error;
    }
  }

  release(block: Block): void {
    this.#held -= 1;
    this.#pool.release(block);
    this.#wake?.();
    this.#wake = undefined;
  }
}
