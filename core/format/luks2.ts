import { createHash } from 'node:crypto';
import { printable, type ByteView } from './byte-view.js';
import { withoutField } from './checksum.js';
import { MAX_PIECE_LENGTH, read, readEnd, type Inspecting } from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';

// Source: "LUKS2 On-Disk Format Specification" 1.1.1, 2.1 "Binary Header"; big-endian.
//
//  offset size                            offset size
//       0    6  magic                        168   40  UUID
//       6    2  version                      208   48  subsystem
//       8    8  header length, with JSON     256    8  header offset
//      24   48  label                        448   64  checksum
//      72   32  checksum algorithm          4096       JSON area
const BINARY_LENGTH = 4096;
const CHECKSUM = { offset: 448, length: 64 };
const MIN_PIECE = 4096;

/** 2.1 lists the header lengths; the longest is 4 MiB. */
const MAX_HEADER_LENGTH = 4 * 1024 * 1024;

type Segment = {
  readonly offset: number;
  readonly length: number | 'dynamic';
  readonly cipher: string;
};

/** Judges a LUKS volume of version 2. */
export function* inspectLuks2(): Inspecting {
  const header = yield* read(0, MIN_PIECE);
  const headerLength = header.u64be(8);
  const whole = yield* read(0, Math.min(headerLength, MAX_PIECE_LENGTH));
  const { size } = yield* readEnd(0);
  const segments = whole.length === headerLength ? segmentsOf(whole) : [];
  const label = header.text(24, 48);
  return {
    format: 'luks',
    layer: 'image',
    signatureAt: 0,
    subformat: 'luks2',
    ...virtualSize(segments, size),
    findings: [
      finding('encrypted', 0, 'The guest data is encrypted by LUKS'),
      ...judgeHeader(whole, headerLength, size),
      ...judgeSegments(segments, size),
    ],
    metadata: {
      version: 2,
      cipher: segments[0]?.cipher,
      uuid: header.text(168, 40),
      label: label === '' ? undefined : label,
      payload_offset: isSize(segments[0]?.offset ?? -1) ? segments[0]?.offset : undefined,
    },
  };
}

function* judgeHeader(whole: ByteView, headerLength: number, size: number): Iterable<Finding> {
  if (headerLength <= BINARY_LENGTH || headerLength > MAX_HEADER_LENGTH) {
    yield finding('header-malformed', 8, `The header length is ${whole.big64be(8)} bytes`);
    return;
  }
  if (headerLength > size) {
    yield finding('truncated', 8, `The header has ${headerLength} bytes, the file ${size}`);
    return;
  }
  // A longer header is not kept; its checksum and segments stay unjudged.
  if (whole.length < headerLength) return;
  const expected = Buffer.from(whole.slice(CHECKSUM.offset, 32).bytes);
  const computed = createHash('sha256')
    .update(withoutField(whole.bytes, CHECKSUM.offset, CHECKSUM.length))
    .digest();
  if (whole.text(72, 32) === 'sha256' && !computed.equals(expected)) {
    yield finding('header-checksum', CHECKSUM.offset, 'The header does not match its checksum');
  }
}

function* judgeSegments(segments: readonly Segment[], size: number): Iterable<Finding> {
  for (const { offset, length } of segments) {
    if (!isSize(offset) || (length !== 'dynamic' && !isSize(length))) {
      yield finding('virtual-size-limit', BINARY_LENGTH, 'A segment has no size below 2^53 bytes');
    } else if (offset + (length === 'dynamic' ? 0 : length) > size) {
      yield finding(
        'outside-file',
        BINARY_LENGTH,
        `A segment starts at ${offset}, the file has ${size}`,
      );
    }
  }
}

function virtualSize(
  segments: readonly Segment[],
  size: number,
): { readonly virtualSize?: { readonly bytes: number; readonly offset: number } } {
  const [only] = segments;
  if (only === undefined || segments.length > 1) return {};
  const bytes = only.length === 'dynamic' ? Math.max(0, size - only.offset) : only.length;
  return { virtualSize: { bytes, offset: BINARY_LENGTH } };
}

/** The segments of the JSON area; none where it is not as the specification says. */
function segmentsOf(header: ByteView): readonly Segment[] {
  const { bytes } = header.slice(BINARY_LENGTH, header.length);
  const nul = bytes.indexOf(0);
  const segments = field(parsed(Buffer.from(nul < 0 ? bytes : bytes.subarray(0, nul))), 'segments');
  if (typeof segments !== 'object' || segments === null) return [];
  return Object.values(segments).map((segment: unknown) => {
    const size = field(segment, 'size');
    return {
      offset: Number(field(segment, 'offset')),
      length: size === 'dynamic' ? 'dynamic' : Number(size),
      cipher: printable(text(field(segment, 'encryption'))),
    };
  });
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function parsed(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
