import { BLOCK_SIZE } from './block-pool.js';
import type { Block, BlockShare, FilledBlock } from './block-pool.js';

/** Replies with the bytes read into a block, fewer than `length` at the end only. */
export interface BlockReader {
  read(block: Block, length: number, position: number): Promise<number>;
}

interface Reading {
  readonly block: Block;
  readonly position: number;
  readonly length: Promise<number>;
}

/** Blocks that are read before they are asked for. */
const READ_AHEAD = 2;

/**
 * Reads a file, or what can be read as one, from `from` to `size` bytes or its end, whatever comes
 * first. Blocks are the consumer's when they are yielded.
 */
export async function* fileBlocks(
  file: BlockReader,
  size: number,
  share: BlockShare,
  signal: AbortSignal,
  from = 0,
): AsyncGenerator<FilledBlock, void, undefined> {
  const readings: Reading[] = [];
  let next = from;
  function read(block: Block): void {
    const wanted = Math.min(BLOCK_SIZE, size - next);
    const length = file.read(block, wanted, next);
    // It is awaited later, or not at all when the pass ends before.
    length.catch(() => undefined);
    readings.push({ block, position: next, length });
    next += wanted;
  }
  try {
    while (readings.length > 0 || next < size) {
      signal.throwIfAborted();
      if (readings.length === 0) read(await share.acquire(signal));
      while (readings.length < READ_AHEAD && next < size) {
        const block = share.tryAcquire();
        if (block === undefined) break;
        read(block);
      }
      const [reading] = readings;
      if (reading === undefined) return;
      const length = await reading.length;
      if (length === 0) return;
      readings.shift();
      yield { block: reading.block, length, position: reading.position };
      if (length < BLOCK_SIZE) return;
    }
  } finally {
    await Promise.allSettled(readings.map((reading) => reading.length));
    for (const { block } of readings) share.release(block);
  }
}
