import { notZero } from './not-zero.js';

/** Magic of the format: doc/dev/rbd-diff.rst of Ceph, "rbd diff v1". */
const HEADER = Buffer.from('rbd diff v1\n');
const END = Buffer.from('e');

/**
 * Bytes as changes of an image that is all zeros, for `rbd import-diff`; without the record that would
 * make the image as small as they are. Breaks with what the source breaks with.
 * @param offset of the first byte in the image
 */
export async function* rbdDiff(
  source: AsyncIterable<Uint8Array>,
  offset = 0,
): AsyncGenerator<Uint8Array> {
  yield HEADER;
  for await (const { at, bytes } of notZero(source, offset)) {
    yield updatedData(at, bytes.length);
    yield bytes;
  }
  yield END;
}

/** "w", offset and length, little endian, 64 bits each. */
function updatedData(offset: number, length: number): Uint8Array {
  const record = Buffer.alloc(17);
  record.write('w', 'latin1');
  record.writeBigUInt64LE(BigInt(offset), 1);
  record.writeBigUInt64LE(BigInt(length), 9);
  return record;
}
