import { BlockShare } from './block-pool.js';
import { fileBlocks } from './file-blocks.js';
import { BLOCKS_PER_PASS } from './pass-run.js';
import type { PassResources } from './pass-run.js';
import { ThreadFile } from './thread-file.js';

/**
 * Reads a file from a position, in pieces that are the taker's own: whoever they are given to may
 * keep them as long as they like, and the blocks go on.
 */
export async function readFrom(
  path: string,
  from: number,
  take: (bytes: Buffer) => Promise<boolean>,
  resources: PassResources,
  failure: AbortController,
): Promise<void> {
  const file = await ThreadFile.open(path, 'read', resources.files);
  try {
    const share = new BlockShare(resources.blocks, BLOCKS_PER_PASS);
    for await (const { block, length } of fileBlocks(
      file,
      file.size,
      share,
      failure.signal,
      from,
    )) {
      const bytes = Buffer.from(block.bytes.subarray(0, length));
      share.release(block);
      if (!(await take(bytes))) return;
    }
  } finally {
    await file.close();
  }
}
