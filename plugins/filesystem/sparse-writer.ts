import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';

/** Zeros are left out in pieces of this many bytes; the file system's own pieces are smaller. */
const PIECE = 64 * 1024;
const ZEROS = Buffer.alloc(PIECE);

/** Writes a file from its start to its end and leaves holes where whole pieces are zero. */
export class SparseWriter {
  #position = 0;

  constructor(private readonly file: FileHandle) {}

  /** Bytes so far. */
  get size(): number {
    return this.#position;
  }

  async write(chunk: Uint8Array): Promise<void> {
    let start = 0;
    while (start < chunk.length) {
      const isHole = isZeroPiece(chunk, start);
      let end = start;
      do end = Math.min(end + PIECE, chunk.length);
      while (end < chunk.length && isZeroPiece(chunk, end) === isHole);
      if (!isHole) await this.#writeFully(chunk.subarray(start, end), this.#position + start);
      start = end;
    }
    this.#position += chunk.length;
  }

  /** Gives the file its length, which a hole at the end does not. */
  async finish(): Promise<void> {
    await this.file.truncate(this.#position);
  }

  async #writeFully(bytes: Uint8Array, position: number): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await this.file.write(
        bytes,
        written,
        bytes.length - written,
        position + written,
      );
      written += bytesWritten;
    }
  }
}

function isZeroPiece(chunk: Uint8Array, start: number): boolean {
  const end = start + PIECE;
  return end <= chunk.length && ZEROS.compare(chunk, start, end) === 0;
}
