import type { GuestDisk } from '../plugin/contract/services.js';
import type { Block, BlockShare, FilledBlock } from './block-pool.js';
import { fileBlocks } from './file-blocks.js';
import type { BlockReader } from './file-blocks.js';
import { Grants } from './grants.js';
import { checkSize } from './size-limits.js';
import { sourceStalled } from './source-errors.js';
import type { StreamLimits } from './stream-blocks.js';

/**
 * All bytes of a disk, each block filled by the disk itself. Blocks are the consumer's when they are
 * yielded. The disk is closed when the signal is aborted, since a block is free only when nothing is
 * read into it any more.
 */
export async function* diskBlocks(
  disk: GuestDisk,
  limits: StreamLimits,
  share: BlockShare,
  signal: AbortSignal,
): AsyncGenerator<FilledBlock, void, undefined> {
  checkSize(disk.size, limits);
  const reader = new DiskReader(disk, limits.idleTimeoutMs);
  const grants = new Grants(limits.grant, 0, signal);
  const onAbort = (): void => {
    reader.stop();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const filled of fileBlocks(reader, disk.size, share, signal)) {
      const { block, length, position } = filled;
      if (grants.isShort(block.bytes.subarray(0, length), position)) {
        try {
          await grants.obtain();
        } catch (error) {
          share.release(block);
          throw error;
        }
      }
      yield filled;
    }
  } catch (error) {
    // Then a read was rejected because the disk was closed for it.
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A disk whose reads may take so many milliseconds each. */
class DiskReader implements BlockReader {
  #isLate = false;

  constructor(
    private readonly disk: GuestDisk,
    private readonly timeoutMs: number,
  ) {}

  /** @throws {TransientError} `SOURCE_STALLED`; what the disk throws */
  async read({ bytes }: Block, length: number, position: number): Promise<number> {
    const timer = setTimeout(() => {
      this.#isLate = true;
      this.stop();
    }, this.timeoutMs);
    try {
      await this.disk.read(bytes.subarray(0, length), position);
      return length;
    } catch (error) {
      throw this.#isLate ? sourceStalled(this.timeoutMs) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads under way are rejected; whoever owns the disk hears why closing it has failed. */
  stop(): void {
    this.disk.close().catch(() => undefined);
  }
}
