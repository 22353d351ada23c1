import { TransientError } from '../base/errors.js';
import { BLOCK_SIZE } from './block-pool.js';
import type { Block, BlockShare, FilledBlock } from './block-pool.js';
import { Grants } from './grants.js';
import type { Grant } from './grants.js';
import { checkSize } from './size-limits.js';
import type { SizeLimits } from './size-limits.js';
import type { StreamReader } from './stream-reader.js';

/**
 * Milliseconds after which a block is passed on although it is not full. A slow sender would hold a
 * part of the shared memory otherwise.
 */
const LINGER_MS = 20;

export interface StreamLimits extends SizeLimits {
  /** Milliseconds. */
  readonly idleTimeoutMs: number;
  readonly grant?: Grant;
}

/**
 * Cuts what comes from a stream into blocks, counted from `position`. Blocks are the consumer's when
 * they are yielded.
 */
export async function* streamBlocks(
  reader: StreamReader,
  start: number,
  limits: StreamLimits,
  share: BlockShare,
  signal: AbortSignal,
): AsyncGenerator<FilledBlock, void, undefined> {
  let position = start;
  const grants = new Grants(limits.grant, start, signal);
  let block: Block | undefined;
  let length = 0;
  try {
    while (!reader.isEnded) {
      signal.throwIfAborted();
      let chunk: Uint8Array | undefined;
      try {
        chunk = reader.read();
      } catch (error) {
        // What came before a break is the next try's to go on behind.
        if (block !== undefined && error instanceof TransientError) {
          yield { block, length, position: position - length };
          block = undefined;
        }
        throw error;
      }
      if (chunk === undefined) {
        if (block === undefined) await untilReadable(reader, limits.idleTimeoutMs, signal);
        else if (!(await reader.wait(LINGER_MS, signal))) {
          yield { block, length, position: position - length };
          block = undefined;
        }
        continue;
      }
      checkSize(position + chunk.length, limits);
      if (grants.isShort(chunk, position)) {
        if (block !== undefined) {
          yield { block, length, position: position - length };
          block = undefined;
        }
        await grants.obtain();
      }
      let taken = 0;
      while (taken < chunk.length) {
        if (block === undefined) {
          block = await share.acquire(signal);
          length = 0;
        }
        const piece = chunk.subarray(taken, taken + BLOCK_SIZE - length);
        block.bytes.set(piece, length);
        length += piece.length;
        taken += piece.length;
        position += piece.length;
        if (length === BLOCK_SIZE) {
          yield { block, length, position: position - length };
          block = undefined;
        }
      }
    }
    if (block !== undefined) {
      yield { block, length, position: position - length };
      block = undefined;
    }
  } finally {
    if (block !== undefined) share.release(block);
  }
}

async function untilReadable(
  reader: StreamReader,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (!(await reader.wait(timeoutMs, signal))) throw sourceStalled(timeoutMs);
}

export function sourceStalled(timeoutMs: number): TransientError {
  return new TransientError({
    code: 'SOURCE_STALLED',
    message: `The source of the bytes has sent nothing for ${timeoutMs / 1000} s`,
    hint: 'Check the sender and the network between, then send the bytes again',
  });
}
