import type { ByteView } from './byte-view.js';
import { read, readEnd, type FormatInspector, type Inspecting } from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { paddedToSector, SECTOR } from './sector.js';

// Source: VirtualBox src/VBox/Storage/VDICore.h, VDIPREHEADER and VDIHEADER1PLUS; all fields are
// little-endian.
//
//  offset size                            offset size
//       0   64  file information text        368    8  disk size
//      64    4  signature 0xbeda107f         376    4  block size
//      68    4  version, major << 16         380    4  extra bytes of a block
//      72    4  header length                384    4  blocks
//      76    4  image type                   388    4  blocks allocated
//      80    4  image flags                  392   16  UUID of the image
//      84  256  comment                      408   16  UUID of the modification
//     340    4  block map offset             424   16  UUID of the parent
//     344    4  data offset                  440   16  UUID of the parent's modification
//     360    4  sector size
const SIGNATURE = 0xbeda107f;
const SIGNATURE_AT = 64;
const HEADER_READ = 512;
const HEADER_END = 456;
const MAJOR_VERSION = 1;

/** VDIIMAGETYPE; an undo or differencing image needs its parent. */
const TYPES = new Map([
  [1, 'dynamic'],
  [2, 'static'],
  [3, 'undo'],
  [4, 'differencing'],
]);
const NEEDS_PARENT = new Set([3, 4]);

/** Each block has 4 bytes in the block map: more blocks than these make no valid 32-bit offset. */
const MAX_BLOCKS = 2 ** 30 - 1;

/** Disk images of VirtualBox. */
export const vdi: FormatInspector = { name: 'vdi', inspect };

function* inspect(): Inspecting {
  const start = yield* read(0, SIGNATURE_AT + 4);
  if (start.u32le(SIGNATURE_AT) !== SIGNATURE) return undefined;
  const header = yield* read(0, HEADER_READ);
  const { size } = yield* readEnd(0);
  const type = TYPES.get(header.u32le(76));
  const comment = header.text(84, 256);
  return {
    format: 'vdi',
    layer: 'image',
    signatureAt: SIGNATURE_AT,
    firstSector: 'header',
    ...(type === undefined ? {} : { subformat: type }),
    virtualSize: { bytes: paddedToSector(header.u64le(368)), offset: 368 },
    findings: [...judge(header, size)],
    metadata: {
      version: `${header.u16le(70)}.${header.u16le(68)}`,
      type,
      creator: header.text(0, 64),
      comment: comment === '' ? undefined : comment,
      block_size: header.u32le(376),
      block_count: header.u32le(384),
      allocated_blocks: header.u32le(388),
      sector_size: header.u32le(360),
      uuid: header.guid(392),
      parent_uuid: header.isZero(424, 16) ? undefined : header.guid(424),
    },
  };
}

function* judge(header: ByteView, size: number): Iterable<Finding> {
  if (header.length < HEADER_END) {
    yield finding('truncated', 0, `The file ends inside the header, after ${header.length} bytes`);
    return;
  }
  const [major, minor, type] = [header.u16le(70), header.u16le(68), header.u32le(76)];
  if (major !== MAJOR_VERSION) {
    yield finding('unsupported-version', 68, `The version is ${major}.${minor}, known is 1.1`);
    return;
  }
  const name = TYPES.get(type);
  if (name === undefined) {
    yield finding('unknown-features', 76, `The image type is ${type}`);
  } else if (NEEDS_PARENT.has(type)) {
    yield finding('parent-image', 76, `The image is of the type "${name}"`);
  } else {
    const named = [424, 440].find((at) => !header.isZero(at, 16));
    if (named !== undefined) {
      yield finding('parent-image', named, `The image names the parent ${header.guid(named)}`);
    }
  }
  yield* judgeBlocks(header, size);
}

function* judgeBlocks(header: ByteView, size: number): Iterable<Finding> {
  const [mapAt, dataAt] = [header.u32le(340), header.u32le(344)];
  const [diskSize, blockSize] = [header.u64le(368), header.u32le(376)];
  const [blocks, allocated] = [header.u32le(384), header.u32le(388)];
  if (header.u32le(360) !== SECTOR) {
    yield finding('header-malformed', 360, `The sector size is ${header.u32le(360)} bytes`);
  }
  for (const [name, at] of [
    ['block map', 340],
    ['data', 344],
  ] as const) {
    if (header.u32le(at) % SECTOR === 0) continue;
    yield finding('header-malformed', at, `The ${name} is at ${header.u32le(at)}, inside a sector`);
  }
  if (blockSize < SECTOR || !Number.isInteger(Math.log2(blockSize))) {
    yield finding('header-malformed', 376, `The block size is ${blockSize} bytes`);
    return;
  }
  if (diskSize > MAX_BLOCKS * blockSize) {
    yield finding('virtual-size-limit', 368, `The disk size is ${header.big64le(368)} bytes`);
    return;
  }
  const needed = Math.ceil(diskSize / blockSize);
  if (blocks !== needed) {
    yield finding(
      'header-malformed',
      384,
      `The image has ${blocks} blocks, the disk size needs ${needed}`,
    );
    return;
  }
  if (mapAt + blocks * 4 > Math.min(dataAt, size)) {
    yield finding(
      mapAt + blocks * 4 > size ? 'outside-file' : 'header-malformed',
      340,
      `The block map ends at ${mapAt + blocks * 4}, the data starts at ${dataAt}, the file ends at ${size}`,
    );
  }
  if (allocated > blocks) {
    yield finding('header-malformed', 388, `${allocated} of ${blocks} blocks are allocated`);
    return;
  }
  const end = dataAt + allocated * (blockSize + header.u32le(380));
  if (end > size) {
    yield finding(
      'truncated',
      388,
      `The ${allocated} allocated blocks end at ${end}, the file at ${size}`,
    );
  }
}
