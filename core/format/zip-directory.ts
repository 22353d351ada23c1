import type { ByteView } from './byte-view.js';

// Source: PKWARE APPNOTE.TXT 6.3.10: 4.3.7 local file header, 4.3.12 central directory header,
// 4.3.14 zip64 end record, 4.3.15 its locator, 4.3.16 end record, 4.5.3 zip64 extra field.
const END = 'PK\x05\x06';
export const END_LENGTH = 22;
const ENTRY = 'PK\x01\x02';
const ENTRY_LENGTH = 46;
const ZIP64_LOCATOR = 'PK\x06\x07';
const ZIP64_LOCATOR_LENGTH = 20;
const ZIP64_END = 'PK\x06\x06';
const ZIP64_END_LENGTH = 56;
const ZIP64_EXTRA = 1;
const FULL_16 = 0xffff;
const FULL_32 = 0xffffffff;

/** The record at the end of an archive, with its zip64 part merged into it. Offsets in the stream. */
export type EndRecord = {
  readonly offset: number;
  readonly entries: number;
  readonly directoryAt: number;
  readonly directoryLength: number;
  /** Where the first record behind the directory starts: zip64 or this one. */
  readonly startsAt: number;
  /** The archive is one part of several. */
  readonly isSplit: boolean;
  /** The zip64 part, which some writers add to every archive, says something else. */
  readonly isContradicted: boolean;
};

/** What a header says of a member. */
export type Entry = {
  readonly offset: number;
  readonly length: number;
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc32: number;
  readonly packedSize: number;
  readonly size: number;
};

export type DirectoryEntry = Entry & {
  readonly localAt: number;
  /** File type and permissions of Unix; 0 where the archive was made elsewhere. */
  readonly unixMode: number;
  readonly isDosDirectory: boolean;
};

/** Every record that an archive ending with `end` could be read from; a good one has one. */
export function endRecords(end: ByteView): readonly EndRecord[] {
  const records: EndRecord[] = [];
  for (let at = end.length - END_LENGTH; at >= 0; at -= 1) {
    if (!end.startsWith(END, at) || at + END_LENGTH + end.u16le(at + 20) !== end.length) continue;
    records.push(endRecord(end, at));
  }
  return records;
}

function endRecord(end: ByteView, at: number): EndRecord {
  const plain: EndRecord = {
    offset: end.offset + at,
    startsAt: end.offset + at,
    entries: end.u16le(at + 10),
    directoryLength: end.u32le(at + 12),
    directoryAt: end.u32le(at + 16),
    isSplit: end.u16le(at + 4) !== 0 || end.u16le(at + 8) !== end.u16le(at + 10),
    isContradicted: false,
  };
  const locator = end.slice(at - ZIP64_LOCATOR_LENGTH, ZIP64_LOCATOR_LENGTH);
  const recordAt = locator.u64le(8);
  const record = end.slice(recordAt - end.offset, ZIP64_END_LENGTH);
  const isThere =
    at >= ZIP64_LOCATOR_LENGTH &&
    locator.startsWith(ZIP64_LOCATOR) &&
    recordAt >= end.offset &&
    record.startsWith(ZIP64_END);
  if (!isThere) return plain;
  const told = {
    entries: record.u64le(32),
    directoryLength: record.u64le(40),
    directoryAt: record.u64le(48),
  };
  const agrees = (value: number, full: number, wide: number): boolean =>
    value === full || value === wide;
  return {
    ...plain,
    ...told,
    startsAt: recordAt,
    isSplit: plain.isSplit || record.u32le(16) !== 0 || record.u64le(24) !== told.entries,
    isContradicted: !(
      agrees(plain.entries, FULL_16, told.entries) &&
      agrees(plain.directoryLength, FULL_32, told.directoryLength) &&
      agrees(plain.directoryAt, FULL_32, told.directoryAt)
    ),
  };
}

/** The directory's entry at the start of `view`; `undefined` where there is none. */
export function directoryEntry(view: ByteView): DirectoryEntry | undefined {
  if (!view.startsWith(ENTRY) || view.length < ENTRY_LENGTH) return undefined;
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((at) => view.u16le(at)) as [
    number,
    number,
    number,
  ];
  const attributes = view.u32le(38);
  const madeOn = view.u16le(4) >>> 8;
  const sizes = withZip64(
    [view.u32le(24), view.u32le(20), view.u32le(42)],
    view.slice(ENTRY_LENGTH + nameLength, extraLength),
  );
  return {
    offset: view.offset,
    length: ENTRY_LENGTH + nameLength + extraLength + commentLength,
    name: view.latin1(ENTRY_LENGTH, nameLength),
    flags: view.u16le(8),
    method: view.u16le(10),
    crc32: view.u32le(16),
    size: sizes[0],
    packedSize: sizes[1],
    localAt: sizes[2],
    unixMode: UNIX_HOSTS.has(madeOn) ? attributes >>> 16 : 0,
    isDosDirectory: (attributes & DOS_DIRECTORY) !== 0,
  };
}

const LOCAL = 'PK\x03\x04';
export const LOCAL_LENGTH = 30;

/** "Version made by" of Unix and macOS, and an attribute of DOS. */
const UNIX_HOSTS: ReadonlySet<number> = new Set([3, 19]);
const DOS_DIRECTORY = 0x10;

/** The length of a local header with what follows it, from its fixed part. */
export function localLength(view: ByteView): number {
  return LOCAL_LENGTH + view.u16le(26) + view.u16le(28);
}

/** The local header that `view` holds; `undefined` where it is cut. */
export function localEntry(view: ByteView): Entry | undefined {
  const length = localLength(view);
  if (!view.startsWith(LOCAL) || view.length < length) return undefined;
  const nameLength = view.u16le(26);
  const sizes = withZip64(
    [view.u32le(22), view.u32le(18), 0],
    view.slice(LOCAL_LENGTH + nameLength, view.u16le(28)),
  );
  return {
    offset: view.offset,
    length,
    name: view.latin1(LOCAL_LENGTH, nameLength),
    flags: view.u16le(6),
    method: view.u16le(8),
    crc32: view.u32le(14),
    size: sizes[0],
    packedSize: sizes[1],
  };
}

type Sizes = readonly [size: number, packedSize: number, localAt: number];

/** The numbers of the zip64 extra field in the place of those that are too large for 32 bits. */
function withZip64(plain: Sizes, extra: ByteView): Sizes {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.u16le(at + 2)) {
    if (extra.u16le(at) !== ZIP64_EXTRA) continue;
    let next = at + 4;
    const take = (value: number): number => {
      if (value !== FULL_32) return value;
      next += 8;
      return extra.u64le(next - 8);
    };
    return [take(plain[0]), take(plain[1]), take(plain[2])];
  }
  return plain;
}
