import { createHash, type Hash } from 'node:crypto';
import type { ByteView } from './byte-view.js';
import { withoutField } from './checksum.js';
import { MAX_PIECE_LENGTH, read, readEnd, type Inspecting, type Reading } from './frame.js';
import type { Finding } from './inspection.js';
import { parseAreas, type Areas } from './luks2-areas.js';
import { finding, firstOf } from './rules.js';

// Source: "LUKS2 On-Disk Format Specification" 1.1.1, 2.1 "Binary Header"; big-endian.
//
//  offset size                            offset size
//       0    6  magic                        168   40  UUID
//       6    2  version                      208   48  subsystem
//       8    8  header length, with JSON     256    8  header offset
//      16    8  sequence number              448   64  checksum
//      24   48  label                       4096       JSON area
//      72   32  checksum algorithm
//
// A second header of the same length stands behind the first.
const BINARY_LENGTH = 4096;
const SECOND_MAGIC = 'SKUL\xba\xbe';
const CHECKSUM = { offset: 448, length: 64 };
const CHECKSUM_ALGORITHMS = ['sha1', 'sha256', 'sha384', 'sha512'];

/** 2.1: the lengths that a header may have. */
const HEADER_LENGTHS = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096].map((kib) => kib * 1024);

/** The text of the JSON area that is read; cryptsetup writes less than 20 KiB for 32 key slots. */
const MAX_JSON_LENGTH = 32 * 1024;

/** One of the two headers: what is kept of it once it has passed. */
type Header = {
  readonly binary: ByteView;
  readonly isWhole: boolean;
  /** `undefined` where the algorithm is not one that is known. */
  readonly matchesChecksum: boolean | undefined;
  readonly areas: Areas | undefined;
};

/** Judges a LUKS volume of version 2. */
export function* inspectLuks2(): Inspecting {
  const start = yield* read(0, BINARY_LENGTH);
  const length = start.u64be(8);
  const isLength = HEADER_LENGTHS.includes(length);
  const first = isLength ? yield* readHeader(0, length) : undefined;
  const second = isLength ? yield* readHeader(length, length) : undefined;
  const { size } = yield* readEnd(0);
  const segments = first?.areas?.segments ?? [];
  const label = start.text(24, 48);
  const offset = segments[0]?.offset ?? -1;
  return {
    format: 'luks',
    layer: 'image',
    signatureAt: 0,
    subformat: 'luks2',
    ...virtualSize(first?.areas, size),
    findings: [
      finding('encrypted', 0, 'The guest data is encrypted by LUKS'),
      ...judgeHeader(start, first, length, size),
      ...judgeSecond(first, second),
      ...firstOf(judgeAreas(first?.areas, length, size)),
    ],
    metadata: {
      version: 2,
      cipher: segments[0]?.cipher,
      uuid: start.text(168, 40),
      label: label === '' ? undefined : label,
      payload_offset: isSize(offset) ? offset : undefined,
    },
  };
}

/** Reads a header piece by piece, since the longest is longer than a piece. */
function* readHeader(offset: number, length: number): Reading<Header> {
  const first = yield* read(offset, Math.min(length, MAX_PIECE_LENGTH));
  const algorithm = first.text(72, 32);
  const hash = CHECKSUM_ALGORITHMS.includes(algorithm) ? createHash(algorithm) : undefined;
  hash?.update(withoutField(first.bytes, CHECKSUM.offset, CHECKSUM.length));
  let passed = first.length;
  while (passed < length) {
    const piece = yield* read(offset + passed, Math.min(length - passed, MAX_PIECE_LENGTH));
    if (piece.length === 0) break;
    hash?.update(piece.bytes);
    passed += piece.length;
  }
  return {
    binary: first.slice(0, BINARY_LENGTH),
    isWhole: passed === length,
    matchesChecksum: hash && matches(hash, first),
    areas: parseAreas(first.slice(BINARY_LENGTH, MAX_JSON_LENGTH)),
  };
}

function matches(hash: Hash, header: ByteView): boolean {
  const computed = hash.digest();
  return computed.equals(header.slice(CHECKSUM.offset, computed.length).bytes);
}

function* judgeHeader(
  start: ByteView,
  header: Header | undefined,
  length: number,
  size: number,
): Iterable<Finding> {
  if (start.length < BINARY_LENGTH) {
    yield finding('truncated', 0, `The file ends inside the header, after ${size} bytes`);
    return;
  }
  if (header === undefined) {
    yield finding('header-malformed', 8, `The header length is ${start.big64be(8)} bytes`);
    return;
  }
  if (!header.isWhole) {
    yield finding('truncated', 8, `The header has ${length} bytes, the file ${size}`);
    return;
  }
  if (start.u64be(256) !== 0) {
    yield finding('header-malformed', 256, `The header says that it is at ${start.big64be(256)}`);
  }
  if (header.matchesChecksum === undefined) {
    const told = JSON.stringify(start.text(72, 32));
    yield finding('unknown-features', 72, `The checksum algorithm is ${told}`);
  } else if (!header.matchesChecksum) {
    yield finding('header-checksum', CHECKSUM.offset, 'The header does not match its checksum');
  }
  if (header.areas === undefined) {
    yield finding('header-malformed', BINARY_LENGTH, 'The JSON area is not valid');
  }
}

/** cryptsetup takes the valid header with the higher sequence number, other readers the first one. */
function* judgeSecond(first: Header | undefined, second: Header | undefined): Iterable<Finding> {
  const isSecond = second?.binary.startsWith(SECOND_MAGIC) === true && second.isWhole;
  if (first === undefined || second === undefined || !isSecond) return;
  const [held, other] = [first.binary.big64be(16), second.binary.big64be(16)];
  if (second.matchesChecksum === false || other <= held) return;
  yield finding(
    'copies-differ',
    second.binary.offset + 16,
    `The second header has the sequence number ${other}, the first ${held}`,
  );
}

function* judgeAreas(areas: Areas | undefined, length: number, size: number): Iterable<Finding> {
  if (areas === undefined) return;
  for (const name of areas.requirements) {
    yield finding('unknown-features', BINARY_LENGTH, `The volume requires ${JSON.stringify(name)}`);
  }
  if (areas.segments.length === 0) {
    yield finding('header-malformed', BINARY_LENGTH, 'The volume has no segment');
  }
  for (const { type, offset, length: bytes } of areas.segments) {
    if (type !== 'crypt') {
      yield finding('unknown-features', BINARY_LENGTH, `A segment is of the type "${type}"`);
    }
    if (!isSize(offset) || (bytes !== 'dynamic' && !isSize(bytes))) {
      yield finding('virtual-size-limit', BINARY_LENGTH, 'A segment has no size below 2^53 bytes');
    } else if (offset === 0) {
      yield finding(
        'incomplete-image',
        BINARY_LENGTH,
        'The header is detached: its payload is another file',
      );
    } else if (offset < 2 * length) {
      yield finding(
        'header-malformed',
        BINARY_LENGTH,
        `A segment starts at ${offset}, in a header`,
      );
    } else if (offset + (bytes === 'dynamic' ? 0 : bytes) > size) {
      yield finding(
        'outside-file',
        BINARY_LENGTH,
        `A segment starts at ${offset}, the file has ${size}`,
      );
    }
  }
}

function virtualSize(
  areas: Areas | undefined,
  size: number,
): { readonly virtualSize?: { readonly bytes: number; readonly offset: number } } {
  const [only, ...others] = areas?.segments ?? [];
  if (only === undefined || others.length > 0) return {};
  const bytes = only.length === 'dynamic' ? Math.max(0, size - only.offset) : only.length;
  return { virtualSize: { bytes, offset: BINARY_LENGTH } };
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
