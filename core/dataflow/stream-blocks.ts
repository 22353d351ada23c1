import type { BlockShare, FilledBlock } from './block-pool.js';
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
  const grants = new Grants(limits.grant, start, signal);
  let position = start;
  let admitted = start;
  const admit = (chunk: Uint8Array): boolean => {
    checkSize(admitted + chunk.length, limits);
    const isShort = grants.isShort(chunk, admitted);
    admitted += chunk.length;
    return !isShort;
  };
  // A block is taken only when there are bytes for it: many senders that stand still hold none.
  while (await reader.untilBytes(limits.idleTimeoutMs)) {
    const block = await share.acquire(signal);
    let length = 0;
    try {
      length = await reader.fill(block.bytes, admit, LINGER_MS);
    } finally {
      if (length === 0) share.release(block);
    }
    if (length > 0) yield { block, length, position };
    position += length;
    await grants.obtain();
  }
}
