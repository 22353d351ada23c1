import type { JsonObject } from '../base/json.js';
import type { ByteView } from './byte-view.js';
import {
  HEAD_LENGTH,
  MAX_PIECE_LENGTH,
  read,
  readEnd,
  type FormatInspector,
  type Inspecting,
  type Reading,
} from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { DISC_RUN_OUT, paddedToSector } from './sector.js';
import {
  anchorAt,
  DESCRIPTOR_LENGTH,
  dstring,
  SECTOR_SIZES,
  volumeOf,
  type Anchor,
  type Extent,
  type Volume,
} from './udf-descriptors.js';

// Source: ECMA-167 3rd edition. 2/8.3 "Volume recognition": from byte 32768 on a volume structure
// descriptor in each 2048 bytes or sector: 0 type, 1 identifier (5). A volume of UDF has "BEA01" and
// then "NSR02" or "NSR03". 3/8.4.2: an anchor stands in two of the sectors 256, last - 256 and last.
const RECOGNITION_AT = 32768;
const STRUCTURE_LENGTH = 2048;
const IDENTIFIER_LENGTH = 5;
const BEGIN = 'BEA01';
const UDF = ['NSR02', 'NSR03'];
const STRUCTURES = new Set([BEGIN, ...UDF, 'TEA01', 'BOOT2', 'CD001', 'CDW02']);
const ANCHOR_SECTOR = 256;

/**
 * The Universal Disk Format of discs and sticks. A disc that has ISO 9660 structures too, as most
 * do, is one disc: both name the same files.
 */
export const udf: FormatInspector = { name: 'udf', inspect };

function* inspect(): Inspecting {
  const start = yield* read(RECOGNITION_AT, 1 + IDENTIFIER_LENGTH);
  if (!STRUCTURES.has(start.latin1(1, IDENTIFIER_LENGTH))) return undefined;
  const recognition = yield* read(RECOGNITION_AT, MAX_PIECE_LENGTH);
  const structureAt = structureOf(recognition);
  if (structureAt === undefined) return undefined;
  const first = yield* readAnchor();
  const volume = first && (yield* readVolume(first));
  const { view: end, size } = yield* readEnd(Math.max(...SECTOR_SIZES));
  const last = lastAnchor(end);
  const anchor = first ?? last;
  return {
    format: 'iso',
    layer: 'image',
    signatureAt: structureAt + 1,
    firstSector: 'guest',
    subformat: 'udf',
    virtualSize: { bytes: paddedToSector(size), offset: 0 },
    findings: [
      ...judgeAnchors(structureAt, first, last, size),
      ...judgeVolume(volume, anchor, size),
    ],
    metadata: describe(volume, anchor),
  };
}

/** Offset of the descriptor that says that the volume is one of UDF. */
function structureOf(recognition: ByteView): number | undefined {
  let hasBegun = false;
  for (let at = 0; at < recognition.length; at += STRUCTURE_LENGTH) {
    const identifier = recognition.latin1(at + 1, IDENTIFIER_LENGTH);
    if (hasBegun && UDF.includes(identifier)) return recognition.offset + at;
    hasBegun ||= identifier === BEGIN;
    // Sectors above 2048 bytes leave the rest of each empty.
    if (!STRUCTURES.has(identifier) && !recognition.isZero(at, STRUCTURE_LENGTH)) return undefined;
  }
  return undefined;
}

function* readAnchor(): Reading<Anchor | undefined> {
  for (const sectorSize of SECTOR_SIZES) {
    const view = yield* read(ANCHOR_SECTOR * sectorSize, DESCRIPTOR_LENGTH);
    const anchor = anchorAt(view, sectorSize);
    if (anchor) return anchor;
  }
  return undefined;
}

function lastAnchor(end: ByteView): Anchor | undefined {
  return SECTOR_SIZES.map((sectorSize) =>
    anchorAt(end.slice(end.length - sectorSize, DESCRIPTOR_LENGTH), sectorSize),
  ).find((anchor) => anchor !== undefined);
}

/** Reads the sequence of descriptors that has not passed yet: the main one, or its reserve. */
function* readVolume(anchor: Anchor): Reading<Volume | undefined> {
  const isAhead = ({ offset, length }: Extent): boolean =>
    offset > anchor.view.offset || offset + Math.min(length, MAX_PIECE_LENGTH) <= HEAD_LENGTH;
  const extent = [anchor.main, anchor.reserve].find(isAhead);
  if (extent === undefined) return undefined;
  return volumeOf(yield* read(extent.offset, extent.length), anchor.sectorSize);
}

function* judgeAnchors(
  structureAt: number,
  first: Anchor | undefined,
  last: Anchor | undefined,
  size: number,
): Iterable<Finding> {
  const anchor = first ?? last;
  if (anchor === undefined) {
    const reach = (ANCHOR_SECTOR + 1) * STRUCTURE_LENGTH;
    yield size < reach
      ? finding('truncated', structureAt, `The file ends before its anchor, after ${size} bytes`)
      : finding('header-malformed', structureAt, 'The UDF volume has no valid anchor');
    return;
  }
  if (first && last && first.view.latin1(16, 16) !== last.view.latin1(16, 16)) {
    yield finding(
      'copies-differ',
      last.view.offset + 16,
      `The anchors at ${first.view.offset} and ${last.view.offset} name different descriptors`,
    );
  }
  for (const [name, at] of [
    ['main', 16],
    ['reserve', 24],
  ] as const) {
    const { offset, length } = anchor[name];
    if (offset + length <= size + DISC_RUN_OUT) continue;
    yield finding(
      'outside-file',
      anchor.view.offset + at,
      `The ${name} volume descriptors end at ${offset + length}, the file at ${size}`,
    );
  }
}

function* judgeVolume(
  volume: Volume | undefined,
  anchor: Anchor | undefined,
  size: number,
): Iterable<Finding> {
  if (volume === undefined || anchor === undefined) return;
  const [damaged] = volume.damaged;
  if (damaged) {
    yield finding(
      'header-checksum',
      damaged.offset,
      'A volume descriptor does not match its checksum',
    );
  }
  // 3/10.5: 188 first sector, 192 sectors.
  for (const partition of volume.partitions) {
    const end = (partition.u32le(188) + partition.u32le(192)) * anchor.sectorSize;
    if (end <= size + DISC_RUN_OUT) continue;
    yield finding(
      'truncated',
      partition.offset + 192,
      `The UDF partition ends at ${end}, the file at ${size}`,
    );
  }
}

/** 3/10.1: 24 volume identifier (32). 3/10.6: 84 logical volume identifier (128), 212 block size. */
function describe(volume: Volume | undefined, anchor: Anchor | undefined): JsonObject {
  const { primary, logical } = volume ?? {};
  return {
    udf_volume_id: logical ? dstring(logical, 84, 128) : primary && dstring(primary, 24, 32),
    udf_revision: logical && revisionOf(logical),
    udf_sector_size: anchor?.sectorSize,
  };
}

/** OSTA UDF 2.1.5.3: the suffix of the domain identifier begins with the revision as digits. */
function revisionOf(logical: ByteView): string | undefined {
  const revision = logical.u16le(240);
  const [major, minor] = [revision >>> 8, revision & 0xff];
  return revision === 0
    ? undefined
    : `${major.toString(16)}.${minor.toString(16).padStart(2, '0')}`;
}
