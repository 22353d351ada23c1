import type { ByteView } from './byte-view.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { checksum } from './vhd-footer.js';

// Source: Microsoft, "Virtual Hard Disk Image Format Specification" 1.0 (2006), "Dynamic Disk Header
// Format"; all fields are big-endian.
//
//  offset size                            offset size
//       0    8  cookie "cxsparse"             28    4  block allocation table entries
//       8    8  data offset, all ones         32    4  block size
//      16    8  block allocation table        36    4  checksum
//      24    4  header version                40   16  parent unique id
const COOKIE = 'cxsparse';
const HEADER_LENGTH = 1024;
const HEADER_VERSION = 0x00010000;
const MIN_BLOCK_SIZE = 512;
const ENTRY_LENGTH = 4;

/** The table is kept in memory by readers; QEMU refuses more entries than these. */
const MAX_ENTRIES = 2 ** 31 / ENTRY_LENGTH - 1;

/** Judges the header of a dynamic or differencing disk whose footer copy is `footer`. */
export function* judgeDynamicHeader(
  footer: ByteView,
  header: ByteView,
  size: number,
): Iterable<Finding> {
  if (header.length < HEADER_LENGTH) {
    yield finding(
      'outside-file',
      16,
      `The dynamic header at offset ${footer.big64be(16)} is not in the file of ${size} bytes`,
    );
    return;
  }
  const { offset } = header;
  if (!header.startsWith(COOKIE)) {
    yield finding('header-malformed', offset, `The dynamic header does not start with "${COOKIE}"`);
    return;
  }
  const [told, computed] = [header.u32be(36), checksum(header, 36)];
  if (told !== computed) {
    yield finding(
      'header-checksum',
      offset + 36,
      `The checksum of the dynamic header is ${told}, its bytes give ${computed}`,
    );
  }
  if (header.u32be(24) !== HEADER_VERSION) {
    const version = header.u32be(24).toString(16);
    yield finding('unsupported-version', offset + 24, `The header version is 0x${version}`);
  }
  yield* judgeTable(footer, header, size);
}

function* judgeTable(footer: ByteView, header: ByteView, size: number): Iterable<Finding> {
  const { offset } = header;
  const [tableAt, entries, blockSize] = [header.u64be(16), header.u32be(28), header.u32be(32)];
  if (blockSize < MIN_BLOCK_SIZE || !Number.isInteger(Math.log2(blockSize))) {
    yield finding('header-malformed', offset + 32, `The block size is ${blockSize} bytes`);
    return;
  }
  if (entries > MAX_ENTRIES || entries * blockSize < footer.u64be(48)) {
    yield finding(
      'header-malformed',
      offset + 28,
      `The table has ${entries} entries of ${blockSize} bytes, the current size is ${footer.big64be(48)}`,
    );
    return;
  }
  const end = tableAt + entries * ENTRY_LENGTH;
  if (end > size) {
    yield finding(
      'outside-file',
      offset + 16,
      `The block allocation table ends at ${BigInt(end)}, the file at ${size}`,
    );
  }
}
