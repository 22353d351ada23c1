import type { JsonObject } from '../base/json.js';
import type { ByteView } from './byte-view.js';
import { read, readEnd, type FormatInspector, type Inspecting } from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { DISC_RUN_OUT, paddedToSector } from './sector.js';

// Source: ECMA-119 (ISO 9660) 8.4 "Primary Volume Descriptor"; the set of descriptors starts at
// sector 16 of 2048 bytes. Numbers marked 2x are little-endian, then big-endian.
//
//  offset size                            offset size
//       0    1  type                         128   2x2  logical block size
//       1    5  "CD001"                      156   34  root directory record
//       6    1  version                      190  128  volume set identifier
//       8   32  system identifier            318  128  publisher identifier
//      40   32  volume identifier            446  128  data preparer identifier
//      80   4x2  volume space size, blocks   574  128  application identifier
//                                            813   17  creation time, as digits
const SECTOR = 2048;
const DESCRIPTORS_AT = 16 * SECTOR;
const SIGNATURE = 'CD001';

/** More descriptors than these are not looked at; real discs have three to five. */
const MAX_DESCRIPTORS = 32;

const BOOT_RECORD = 0;
const PRIMARY = 1;
const SUPPLEMENTARY = 2;
const TERMINATOR = 255;

/** El Torito 1.0, section 2.0: the boot system identifier. */
const EL_TORITO = 'EL TORITO SPECIFICATION';

/** Joliet specification, "SVD Escape Sequences field": UCS-2 levels 1 to 3. */
const JOLIET_ESCAPES = ['%/@', '%/C', '%/E'];

/** SUSP (IEEE P1281) 5.3: the entry that begins the root directory of Rock Ridge. */
const SUSP = 'SP\x07\x01\xbe\xef';
const ROOT_READ = 256;

/** Optical discs. What stands in the system area before sector 16, such as an MBR, is no part. */
export const iso9660: FormatInspector = { name: 'iso', inspect };

function* inspect(): Inspecting {
  const start = yield* read(DESCRIPTORS_AT, 1 + SIGNATURE.length);
  if (!start.startsWith(SIGNATURE, 1)) return undefined;
  const all = yield* read(DESCRIPTORS_AT, MAX_DESCRIPTORS * SECTOR);
  const descriptors = split(all);
  const primary = descriptors.find((descriptor) => descriptor.u8(0) === PRIMARY);
  const rootAt = primary ? primary.u32le(158) * Math.max(primary.u16le(128), 1) : 0;
  const root = primary ? yield* read(rootAt, ROOT_READ) : undefined;
  const { size } = yield* readEnd(0);
  return {
    format: 'iso',
    layer: 'image',
    signatureAt: DESCRIPTORS_AT + 1,
    firstSector: 'guest',
    subformat: 'iso9660',
    virtualSize: { bytes: paddedToSector(size), offset: 0 },
    findings: [...judge(primary, size)],
    metadata: primary ? describe(primary, descriptors, root) : {},
  };
}

/** The descriptors up to the terminator; the last one may be cut. */
function split(all: ByteView): readonly ByteView[] {
  const descriptors: ByteView[] = [];
  for (let at = 0; at < all.length; at += SECTOR) {
    const descriptor = all.slice(at, SECTOR);
    if (!descriptor.startsWith(SIGNATURE, 1) || descriptor.u8(0) === TERMINATOR) break;
    descriptors.push(descriptor);
  }
  return descriptors;
}

function* judge(primary: ByteView | undefined, size: number): Iterable<Finding> {
  if (primary === undefined) {
    yield finding('header-malformed', DESCRIPTORS_AT, 'There is no primary volume descriptor');
    return;
  }
  const { offset } = primary;
  if (primary.length < SECTOR) {
    yield finding('truncated', offset, 'The file ends inside the primary volume descriptor');
    return;
  }
  const [blocks, blockSize] = [primary.u32le(80), primary.u16le(128)];
  if (blocks !== primary.u32be(84)) {
    yield finding(
      'copies-differ',
      offset + 80,
      `The volume has ${blocks} blocks by the little-endian field and ${primary.u32be(84)} by the other`,
    );
  }
  if (blockSize !== primary.u16be(130)) {
    yield finding(
      'copies-differ',
      offset + 128,
      `The block size is ${blockSize} by the little-endian field and ${primary.u16be(130)} by the other`,
    );
  }
  if (![512, 1024, 2048].includes(blockSize)) {
    yield finding('header-malformed', offset + 128, `The block size is ${blockSize} bytes`);
  } else if (blocks * blockSize > size + DISC_RUN_OUT) {
    yield finding(
      'truncated',
      offset + 80,
      `The volume has ${blocks * blockSize} bytes, the file ${size}`,
    );
  }
}

function describe(
  primary: ByteView,
  descriptors: readonly ByteView[],
  root: ByteView | undefined,
): JsonObject {
  const boots = descriptors.filter((descriptor) => descriptor.u8(0) === BOOT_RECORD);
  const joliet = descriptors.some(
    (descriptor) =>
      descriptor.u8(0) === SUPPLEMENTARY && JOLIET_ESCAPES.includes(descriptor.latin1(88, 3)),
  );
  return {
    volume_id: primary.text(40, 32),
    system_id: primary.text(8, 32),
    volume_set_id: primary.text(190, 128),
    publisher: primary.text(318, 128),
    preparer: primary.text(446, 128),
    application: primary.text(574, 128),
    created_at: primary.text(813, 16),
    volume_size: primary.u32le(80) * primary.u16le(128),
    block_size: primary.u16le(128),
    bootable: boots.some((descriptor) => descriptor.startsWith(EL_TORITO, 7)),
    joliet,
    rock_ridge: hasRockRidge(root),
  };
}

/** ECMA-119 9.1: the system use field of the record "." comes after its one-byte identifier. */
function hasRockRidge(root: ByteView | undefined): boolean {
  const systemUseAt = 34;
  return root?.startsWith(SUSP, systemUseAt) === true;
}
