import type { ByteView } from './byte-view.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { SECTOR } from './sector.js';

// Source: VMware, "Virtual Disk Format 5.0" technical note, "Hosted Sparse Extent Header" and
// "Stream-Optimized Compressed Sparse Extents"; all fields are little-endian, offsets in sectors.
//
//  offset size                            offset size
//       0    4  magic "KDMV"                  48    8  redundant grain directory offset
//       4    4  version, 1 to 3               56    8  grain directory offset
//       8    4  flags                         64    8  overhead, in sectors
//      12    8  capacity, in sectors          72    1  unclean shutdown
//      20    8  grain size, in sectors        73    4  "\n", " ", "\r", "\n"
//      28    8  descriptor offset             77    2  compression algorithm
//      36    8  descriptor size
//      44    4  entries of a grain table
export const SIGNATURE = 'KDMV';

/** "If … gdOffset is set to GD_AT_END, a footer at the end of the file holds the offset". */
const GD_AT_END = 0xffffffffffffffffn;

const FLAG_NEWLINES = 1;
const FLAG_REDUNDANT_TABLE = 2;
const FLAG_COMPRESSED = 0x10000;
const NEWLINES = '\n \r\n';
const MAX_VERSION = 3;
const DEFLATE = 1;

/** Limits of QEMU block/vmdk.c vmdk_open_vmdk4() and vmdk_add_extent(). */
const MAX_TABLE_ENTRIES = 512;
const MAX_GRAIN_SECTORS = 0x200000;
const MAX_DIRECTORY_ENTRIES = 32 * 1024 * 1024;

/** The end of a stream: a footer marker, the footer and an end-of-stream marker, a sector each. */
export const STREAM_END_LENGTH = 3 * SECTOR;
const FOOTER_MARKER = 3;

export function isStream(header: ByteView): boolean {
  return header.big64le(56) === GD_AT_END;
}

export function isCompressed(header: ByteView): boolean {
  return (header.u32le(8) & FLAG_COMPRESSED) !== 0;
}

/** The footer of a stream, or `undefined` where the stream does not end as it has to. */
export function footerOf(end: ByteView): ByteView | undefined {
  const [marker, footer] = [end.slice(0, SECTOR), end.slice(SECTOR, SECTOR)];
  const isWhole =
    end.length === STREAM_END_LENGTH &&
    marker.u32le(8) === 0 &&
    marker.u32le(12) === FOOTER_MARKER &&
    marker.isZero(16) &&
    footer.startsWith(SIGNATURE) &&
    end.slice(2 * SECTOR, SECTOR).isZero();
  return isWhole ? footer : undefined;
}

/** Judges that the footer of a stream repeats its header, but for the grain directory. */
export function* judgeFooter(header: ByteView, footer: ByteView | undefined): Iterable<Finding> {
  if (footer === undefined) {
    yield finding('truncated', 56, 'The grain directory is in a footer, and the file has none');
    return;
  }
  const fields = [
    [4, 4, 'version'],
    [8, 4, 'flags'],
    [12, 8, 'capacity'],
    [20, 8, 'grain size'],
    [28, 8, 'descriptor offset'],
    [36, 8, 'descriptor size'],
    [44, 4, 'entries of a grain table'],
    [77, 2, 'compression algorithm'],
  ] as const;
  for (const [at, length, name] of fields) {
    if (header.latin1(at, length) === footer.latin1(at, length)) continue;
    const where = footer.offset + at;
    yield finding('copies-differ', where, `Header and footer differ in the ${name}`);
  }
  if (isStream(footer)) {
    yield finding('header-malformed', footer.offset + 56, 'The footer has no grain directory');
  }
}

/** Judges the header or footer that holds, in a file of `size` bytes. */
export function* judgeSparseHeader(header: ByteView, size: number): Iterable<Finding> {
  const at = header.offset;
  const [version, flags, algorithm] = [header.u32le(4), header.u32le(8), header.u16le(77)];
  if (version === 0 || version > MAX_VERSION) {
    yield finding('unsupported-version', at + 4, `The version is ${version}, known are 1 to 3`);
  }
  if (flags & FLAG_NEWLINES && !header.startsWith(NEWLINES, 73)) {
    yield finding('header-malformed', at + 73, 'The line ends were changed by a transfer as text');
  }
  if (algorithm > DEFLATE) {
    yield finding('unknown-features', at + 77, `The compression algorithm is ${algorithm}`);
  }
  if (header.u8(72) !== 0) {
    yield finding('not-closed-cleanly', at + 72, 'The unclean shutdown flag is set');
  }
  yield* judgeTables(header, size);
}

function* judgeTables(header: ByteView, size: number): Iterable<Finding> {
  const at = header.offset;
  const [capacity, grain, entries] = [header.u64le(12), header.u64le(20), header.u32le(44)];
  if (capacity === 0) {
    // QEMU then takes the extents of the descriptor for the disk, whatever its createType.
    yield finding('header-malformed', at + 12, 'The capacity is 0');
    return;
  }
  if (grain < 1 || grain > MAX_GRAIN_SECTORS || !Number.isInteger(Math.log2(grain))) {
    yield finding('header-malformed', at + 20, `The grain size is ${header.big64le(20)} sectors`);
    return;
  }
  if (entries < 1 || entries > MAX_TABLE_ENTRIES) {
    yield finding('header-malformed', at + 44, `A grain table has ${entries} entries`);
    return;
  }
  const directory = Math.ceil(capacity / (grain * entries));
  if (directory > MAX_DIRECTORY_ENTRIES) {
    yield finding('virtual-size-limit', at + 12, `The capacity is ${header.big64le(12)} sectors`);
    return;
  }
  // Of a stream without a footer nobody knows where the directory is.
  if (!isStream(header)) {
    yield* inside('grain directory', at + 56, header.u64le(56) * SECTOR, directory * 4, size);
  }
  if (header.u32le(8) & FLAG_REDUNDANT_TABLE) {
    const offset = header.u64le(48) * SECTOR;
    yield* inside('redundant grain directory', at + 48, offset, directory * 4, size);
  }
  const overhead = header.u64le(64) * SECTOR;
  if (overhead > size) {
    yield finding(
      'truncated',
      at + 64,
      `The metadata takes ${BigInt(overhead)} bytes, the file has ${size}`,
    );
  }
}

function* inside(
  table: string,
  fieldAt: number,
  offset: number,
  length: number,
  size: number,
): Iterable<Finding> {
  if (offset + length <= size) return;
  yield finding(
    'outside-file',
    fieldAt,
    `The ${table} ends at ${BigInt(offset + length)}, the file at ${size}`,
  );
}
