import { createReadStream } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { UnsupportedError } from '../../../core/api.js';
import type { FileConnection } from './connection.js';
import { notZero } from './not-zero.js';

/** Reads and writes volumes that are files of this machine, below the folders that the deployer names. */
export class FileBytes {
  constructor(private readonly folders: readonly string[]) {}

  /** The first `size` bytes of a volume. */
  async read(connection: FileConnection, size: number, signal: AbortSignal): Promise<Readable> {
    const file = await this.#allowed(connection);
    signal.throwIfAborted();
    return size === 0
      ? Readable.from([], { objectMode: false })
      : createReadStream(file, { end: size - 1, signal });
  }

  /** Writes bytes into a volume that is all zeros from `offset` on; durable when it resolves. */
  async write(
    connection: FileConnection,
    source: AsyncIterable<Uint8Array>,
    offset: number,
  ): Promise<void> {
    await using file = await open(await this.#allowed(connection), 'r+');
    for await (const { at, bytes } of notZero(source, offset)) {
      for (let written = 0; written < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, written, undefined, at + written);
        written += bytesWritten;
      }
    }
    await file.datasync();
  }

  /** Cinder is believed where a volume is, but not beyond these folders. */
  async #allowed({ path: named }: FileConnection): Promise<string> {
    const file = await realpath(named);
    for (const folder of this.folders) {
      const below = path.relative(await realpath(folder), file);
      if (below !== '' && !below.startsWith('..') && !path.isAbsolute(below)) return file;
    }
    throw new UnsupportedError({
      code: 'CONNECTION_UNSUPPORTED',
      message: `The volume is the file "${named}", which is in no folder of volumes`,
      hint: 'The operator adds its folder to "files" of the store',
    });
  }
}
