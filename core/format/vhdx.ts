import type { JsonObject } from '../base/json.js';
import { printable, type ByteView } from './byte-view.js';
import { crc32c, withoutField } from './checksum.js';
import { read, readEnd, type FormatInspector, type Inspecting } from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { readMetadata, type DiskFacts } from './vhdx-metadata.js';
import { readRegions, type Regions } from './vhdx-regions.js';

// Source: Microsoft, [MS-VHDX] "Virtual Hard Disk v2 (VHDX) File Format", 2.2 "Header Section"; all
// fields are little-endian. 2.2.1 file type identifier at 0, 2.2.2 headers at 64 KiB and 128 KiB:
//
//  offset size                            offset size
//       0    4  signature "head"              48   16  log GUID
//       4    4  CRC-32C of 4096 bytes         64    2  log version
//       8    8  sequence number               66    2  version
//      16   16  file write GUID               68    4  log length
//      32   16  data write GUID               72    8  log offset
const SIGNATURE = 'vhdxfile';
const HEADER_SIGNATURE = 'head';
const HEADER_OFFSETS = [64 * 1024, 128 * 1024] as const;
const HEADER_LENGTH = 4096;
const VERSION = 1;
const LOG_VERSION = 0;
const CREATOR = { offset: 8, length: 512 };
const MIB = 1024 * 1024;

/** Virtual hard disks of Hyper-V. */
export const vhdx: FormatInspector = { name: 'vhdx', inspect };

function* inspect(): Inspecting {
  const start = yield* read(0, SIGNATURE.length);
  if (!start.startsWith(SIGNATURE)) return undefined;
  const identifier = yield* read(0, CREATOR.offset + CREATOR.length);
  const first = yield* read(HEADER_OFFSETS[0], HEADER_LENGTH);
  const second = yield* read(HEADER_OFFSETS[1], HEADER_LENGTH);
  const regions = yield* readRegions();
  const facts = regions.metadata ? yield* readMetadata(regions.metadata) : undefined;
  const { size } = yield* readEnd(0);
  const headers = [first, second].filter(isHeader);
  const header = currentHeader(headers);
  return {
    format: 'vhdx',
    layer: 'image',
    signatureAt: 0,
    firstSector: 'header',
    ...subformat(facts),
    ...(facts?.virtualSize === undefined
      ? {}
      : { virtualSize: { bytes: facts.virtualSize, offset: facts.virtualSizeAt } }),
    findings: [
      ...judgeHeader(header, size),
      ...judgeCopies(headers),
      ...regions.findings,
      ...(facts?.findings ?? []),
      ...judgePlaces(regions, size),
      ...judgeOverlap(regions, header),
      ...judgeBat(regions, facts),
    ],
    metadata: describe(identifier, header, facts),
  };
}

function isHeader(header: ByteView): boolean {
  return (
    header.startsWith(HEADER_SIGNATURE) &&
    header.length === HEADER_LENGTH &&
    crc32c(withoutField(header.bytes, 4)) === header.u32le(4)
  );
}

/** The header that holds: 2.2.2 "the valid header with the highest sequence number". */
function currentHeader(headers: readonly ByteView[]): ByteView | undefined {
  return headers.reduce<ByteView | undefined>(
    (best, header) => (best && best.big64le(8) >= header.big64le(8) ? best : header),
    undefined,
  );
}

/** Of two headers with one sequence number each reader may take another. */
function* judgeCopies([first, second]: readonly ByteView[]): Iterable<Finding> {
  if (first === undefined || second === undefined) return;
  if (first.big64le(8) !== second.big64le(8) || first.latin1() === second.latin1()) return;
  yield finding(
    'copies-differ',
    second.offset + 8,
    `Both headers have the sequence number ${second.big64le(8)}, and they differ`,
  );
}

function* judgeHeader(header: ByteView | undefined, size: number): Iterable<Finding> {
  if (header === undefined) {
    const [first] = HEADER_OFFSETS;
    yield size < first + HEADER_LENGTH
      ? finding('truncated', first, `The file ends before its headers, after ${size} bytes`)
      : finding('header-checksum', first, 'Neither header has a valid checksum');
    return;
  }
  const { offset } = header;
  if (header.u16le(66) !== VERSION) {
    yield finding(
      'unsupported-version',
      offset + 66,
      `The version is ${header.u16le(66)}, known is 1`,
    );
  }
  if (!header.isZero(48, 16)) {
    yield finding('pending-log', offset + 48, `The log ${header.guid(48)} is to be replayed`);
  }
  if (header.u16le(64) !== LOG_VERSION) {
    yield finding(
      'unsupported-version',
      offset + 64,
      `The version of the log is ${header.u16le(64)}, known is ${LOG_VERSION}`,
    );
  }
  const [logLength, logAt] = [header.u32le(68), header.u64le(72)];
  if (logLength % MIB !== 0 || logAt % MIB !== 0 || (logLength > 0 && logAt < MIB)) {
    yield finding(
      'header-malformed',
      offset + 68,
      `The log of ${logLength} bytes is at offset ${BigInt(logAt)}, which is not a multiple of 1 MiB`,
    );
  }
  if (logAt + logLength > size) {
    yield finding(
      'outside-file',
      offset + 72,
      `The log ends at ${BigInt(logAt + logLength)}, the file at ${size}`,
    );
  }
}

function* judgePlaces(regions: Regions, size: number): Iterable<Finding> {
  for (const [name, region] of Object.entries({ BAT: regions.bat, metadata: regions.metadata })) {
    if (region === undefined || region.offset + region.length <= size) continue;
    const end = BigInt(region.offset + region.length);
    yield finding(
      'outside-file',
      region.entryAt,
      `The ${name} region ends at ${end}, the file at ${size}`,
    );
  }
}

/** 2.2: "regions … MUST NOT overlap": the BAT, the metadata and the log. */
function* judgeOverlap(regions: Regions, header: ByteView | undefined): Iterable<Finding> {
  const places = [
    ...(regions.bat ? [{ name: 'BAT', ...regions.bat }] : []),
    ...(regions.metadata ? [{ name: 'metadata', ...regions.metadata }] : []),
    ...(header ? [{ name: 'log', offset: header.u64le(72), length: header.u32le(68) }] : []),
  ].toSorted((a, b) => a.offset - b.offset);
  for (const [index, place] of places.entries()) {
    const next = places[index + 1];
    if (next === undefined || place.offset + place.length <= next.offset) continue;
    yield finding(
      'header-malformed',
      regions.bat?.entryAt ?? 0,
      `The ${place.name} region reaches into the ${next.name} region at ${BigInt(next.offset)}`,
    );
  }
}

/** 2.5: the BAT has an entry for each block, and one of a bitmap after those of each chunk. */
function* judgeBat({ bat }: Regions, facts: DiskFacts | undefined): Iterable<Finding> {
  if (bat === undefined || facts?.batEntries === undefined) return;
  if (facts.batEntries * 8 <= bat.length) return;
  yield finding(
    'header-malformed',
    bat.entryAt,
    `The BAT has ${bat.length} bytes, the disk needs ${facts.batEntries} entries of 8`,
  );
}

function subformat(facts: DiskFacts | undefined): { readonly subformat?: string } {
  if (facts?.hasParent === undefined) return {};
  if (facts.hasParent) return { subformat: 'differencing' };
  return { subformat: facts.leavesBlocksAllocated === true ? 'fixed' : 'dynamic' };
}

function describe(
  identifier: ByteView,
  header: ByteView | undefined,
  facts: DiskFacts | undefined,
): JsonObject {
  const creator = identifier.slice(CREATOR.offset, CREATOR.length).bytes;
  const text = new TextDecoder('utf-16le').decode(creator).split('\0')[0] ?? '';
  return {
    creator: printable(text),
    block_size: facts?.blockSize,
    logical_sector_size: facts?.logicalSectorSize,
    physical_sector_size: facts?.physicalSectorSize,
    disk_id: facts?.diskId,
    has_parent: facts?.hasParent,
    has_pending_log: header === undefined ? undefined : !header.isZero(48, 16),
  };
}
