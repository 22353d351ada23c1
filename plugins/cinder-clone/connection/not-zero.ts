/** Bytes that are left out where all of them are zero. */
const ZERO_BLOCK = 64 * 1024;
const ZEROS = Buffer.alloc(ZERO_BLOCK);

export interface Piece {
  /** Position of the first byte. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** The parts of a stream that are not zeros, each at its place. @param start of the first byte */
export async function* notZero(
  source: AsyncIterable<Uint8Array>,
  start: number,
): AsyncGenerator<Piece> {
  let position = start;
  for await (const chunk of source) {
    for (let from = 0; from < chunk.length; from += ZERO_BLOCK) {
      const bytes = chunk.subarray(from, from + ZERO_BLOCK);
      if (!ZEROS.subarray(0, bytes.length).equals(bytes)) yield { at: position + from, bytes };
    }
    position += chunk.length;
  }
}
