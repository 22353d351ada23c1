import { createReadStream } from 'node:fs';
import { BLOCK_SIZE } from './block-pool.js';
import { fileError } from './file-errors.js';

/**
 * Reads a file from a position, in pieces that are the taker's own: whoever they are given to may
 * keep them as long as they like. They are read to where they stay, since the event loop would have
 * to copy them out of the shared blocks.
 * @throws {PermanentError} `FILE_MISSING` · `FILE_FAILED`
 * @throws the signal's reason, and what `take` throws
 */
export async function readFrom(
  path: string,
  from: number,
  take: (bytes: Buffer) => Promise<boolean>,
  { signal }: AbortController,
): Promise<void> {
  const file = createReadStream(path, { start: from, highWaterMark: BLOCK_SIZE });
  const pieces = file[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  try {
    for (;;) {
      signal.throwIfAborted();
      const piece = await pieces.next().catch((error: unknown) => {
        throw fileError(error, 'read', path);
      });
      if (piece.done === true || !(await take(piece.value))) return;
    }
  } finally {
    file.destroy();
  }
}
