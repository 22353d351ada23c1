import type { FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { PermanentError } from '../base/errors.js';
import type { ByteRange } from '../plugin/contract/store.js';
import { abortable } from './abortable.js';
import { fileError } from './file-errors.js';

/** Bytes read at once; two such blocks are held until the last of the range is gone. */
const SEND_BLOCK = 1024 * 1024;

/** A file that is open for reading, and where it was found. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly path: string;
}

/**
 * Writes a range of a file to a stream and ends the stream; the file stays open. The two blocks that
 * the bytes go through are used again and again: a file stream takes new memory for each piece, which
 * costs the kernel as much as reading it.
 *
 * The target must call back from a write when it no longer needs the bytes, as sockets do.
 * @throws {PermanentError} `FILE_SHORT` where the file ends within the range; what {@link fileError}
 * makes of a failed reading
 * @throws the signal's reason, and what writing throws; the target is not ended then
 */
export async function sendFile(
  { handle, path }: OpenFile,
  { start, end }: ByteRange,
  target: Writable,
  signal: AbortSignal,
): Promise<void> {
  const size = Math.min(SEND_BLOCK, end - start);
  let free = Buffer.allocUnsafeSlow(size);
  let busy = Buffer.allocUnsafeSlow(end - start > size ? size : 0);
  let written: Promise<void> = Promise.resolve();
  for (let position = start; position < end;) {
    const { bytesRead } = await handle
      .read(free, 0, Math.min(size, end - position), position)
      .catch((error: unknown) => {
        throw fileError(error, 'read', path);
      });
    await abortable(written, signal);
    if (bytesRead === 0) throw tooShort(position, end);
    written = write(target, free.subarray(0, bytesRead));
    // It is awaited a block later, or not at all where reading fails.
    written.catch(() => undefined);
    position += bytesRead;
    [free, busy] = [busy, free];
  }
  await abortable(written, signal);
  await abortable(ended(target), signal);
}

function write(target: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    target.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function ended(target: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    target.end((error?: Error | null) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function tooShort(position: number, end: number): PermanentError {
  return new PermanentError({
    code: 'FILE_SHORT',
    message: `The file of an image ends at byte ${position} although ${end} were recorded`,
    hint: 'Check the disk of the store; delete the image and import it again where bytes are lost',
    details: { position, end },
  });
}
