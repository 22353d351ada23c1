import type { JsonObject } from '../base/json.js';
import { quoted, type ByteView } from './byte-view.js';
import { read, readEnd, type FormatInspector, type Inspecting } from './frame.js';
import type { Finding } from './inspection.js';
import { judgePlaces, readExtensions, type Extensions } from './qcow2-extensions.js';
import { judgeTables } from './qcow2-tables.js';
import { finding } from './rules.js';
import { wholeSectors } from './sector.js';

// Source: QEMU docs/interop/qcow2.txt, "Header"; all fields are big-endian.
//
//  offset size                            offset size
//       0    4  magic "QFI\xfb"               48    8  refcount table offset
//       4    4  version, 2 or 3               56    4  refcount table clusters
//       8    8  backing file name offset      60    4  snapshot count
//      16    4  backing file name length      64    8  snapshot table offset
//      20    4  cluster bits                   72    8  incompatible features (v3, to 104)
//      24    8  virtual size                   80    8  compatible features
//      32    4  encryption method              88    8  autoclear features
//      36    4  L1 entries                     96    4  refcount order
//      40    8  L1 table offset               100    4  header length
//                                             104    1  compression type
const SIGNATURE = 'QFI\xfb';
const HEADER_LENGTH_V2 = 72;
const HEADER_LENGTH_V3 = 104;
const HEAD_READ = 64 * 1024;

/** "backing_file_size: … must not be longer than 1023 bytes". */
const MAX_BACKING_NAME = 1023;

/** Incompatible features; section "Header", bytes 72 to 79. */
const DIRTY = 1n << 0n;
const CORRUPT = 1n << 1n;
const EXTERNAL_DATA = 1n << 2n;
const COMPRESSION_TYPE = 1n << 3n;
const EXTENDED_L2 = 1n << 4n;
const KNOWN_INCOMPATIBLE = DIRTY | CORRUPT | EXTERNAL_DATA | COMPRESSION_TYPE | EXTENDED_L2;

const LAZY_REFCOUNTS = 1n << 0n;

/** "If the extended L2 entries bit is set … cluster_bits must be at least 14". */
const MIN_EXTENDED_L2_CLUSTER_BITS = 14;

const ENCRYPTIONS = ['none', 'aes', 'luks'];
const COMPRESSIONS = ['zlib', 'zstd'];

/** Copy-on-write images of QEMU, versions 2 and 3. */
export const qcow2: FormatInspector = { name: 'qcow2', inspect };

function* inspect(): Inspecting {
  const start = yield* read(0, 8);
  // Version 1 is a format of its own.
  if (!start.startsWith(SIGNATURE) || start.u32be(4) === 1) return undefined;
  const head = yield* read(0, HEAD_READ);
  const { size } = yield* readEnd(0);
  const version = head.u32be(4);
  const extensions = readExtensions(head, headerLength(head), 1 << clusterBits(head));
  return {
    format: 'qcow2',
    layer: 'image',
    signatureAt: 0,
    firstSector: 'header',
    subformat: `v${version}`,
    virtualSize: { bytes: wholeSectors(head.u64be(24)), offset: 24 },
    findings: [...judge(head, extensions, size)],
    metadata: describe(head, extensions),
  };
}

function* judge(head: ByteView, extensions: Extensions, size: number): Iterable<Finding> {
  const version = head.u32be(4);
  if (head.length < (version === 2 ? HEADER_LENGTH_V2 : HEADER_LENGTH_V3)) {
    yield finding('truncated', 0, `The file ends inside the header, after ${head.length} bytes`);
    return;
  }
  if (version !== 2 && version !== 3) {
    yield finding('unsupported-version', 4, `The version is ${version}, known are 2 and 3`);
    return;
  }
  yield* judgeBackingFile(head);
  yield* judgeFeatures(head, extensions);
  yield* judgeEncryption(head, extensions);
  yield* extensions.findings;
  yield* judgePlaces(head, extensions, size);
  yield* judgeTables(head, size);
}

function* judgeBackingFile(head: ByteView): Iterable<Finding> {
  const [offset, length] = [head.u64be(8), head.u32be(16)];
  if (offset === 0) return;
  const name = quoted(head.text(offset, Math.min(length, MAX_BACKING_NAME)));
  yield finding('backing-file', 8, `The image has the backing file ${name}`);
  if (length > MAX_BACKING_NAME) {
    yield finding(
      'header-malformed',
      16,
      `The name of the backing file has ${length} bytes, the limit is ${MAX_BACKING_NAME}`,
    );
  }
}

function* judgeFeatures(head: ByteView, extensions: Extensions): Iterable<Finding> {
  const bits = incompatible(head);
  for (let bit = 0n; bit < 64n; bit += 1n) {
    if ((bits & ~KNOWN_INCOMPATIBLE & (1n << bit)) === 0n) continue;
    const name = extensions.featureNames.get(Number(bit));
    const named = name === undefined ? '' : `, which the image calls ${quoted(name)}`;
    yield finding('unknown-features', 72, `Incompatible feature bit ${Number(bit)} is set${named}`);
  }
  if (bits & EXTERNAL_DATA || extensions.dataFile !== undefined) {
    const name = extensions.dataFile === undefined ? '' : ` ${quoted(extensions.dataFile)}`;
    yield finding('data-file', 72, `The image keeps its data in the external file${name}`);
  }
  if (bits & CORRUPT) yield finding('corrupt-flag', 72, 'The image is marked as corrupt');
  if (bits & DIRTY) {
    yield finding('not-closed-cleanly', 72, 'The dirty bit is set: refcounts may be wrong');
  }
  if (bits & EXTENDED_L2 && clusterBits(head) < MIN_EXTENDED_L2_CLUSTER_BITS) {
    yield finding('header-malformed', 20, 'Extended L2 entries need clusters of 16 KiB or more');
  }
  const compression = compressionType(head);
  if ((bits & COMPRESSION_TYPE) !== 0n && compression === 0) {
    yield finding(
      'header-malformed',
      104,
      'The feature bit of the compression type is set without one',
    );
  }
  if (compression >= COMPRESSIONS.length) {
    yield finding('unknown-features', 104, `The compression type is ${compression}`);
  }
  // "If the incompatible bit "Compression type" is set: the field must be present and non-zero".
  if ((bits & COMPRESSION_TYPE) === 0n && compression !== 0) {
    yield finding('header-malformed', 104, 'The compression type is set without its feature bit');
  }
}

function* judgeEncryption(head: ByteView, extensions: Extensions): Iterable<Finding> {
  const method = head.u32be(32);
  if (method === 0) return;
  const name = ENCRYPTIONS[method];
  if (name === undefined) {
    yield finding('unknown-features', 32, `The encryption method is ${method}`);
    return;
  }
  yield finding('encrypted', 32, `The guest data is encrypted by "${name}"`);
  if (name === 'luks' && extensions.encryptionHeader === undefined) {
    yield finding('header-malformed', 32, 'The LUKS encryption has no header extension');
  }
}

function describe(head: ByteView, extensions: Extensions): JsonObject {
  const version = head.u32be(4);
  const bits = incompatible(head);
  const backingName = head.u64be(8) === 0 ? '' : head.text(head.u64be(8), head.u32be(16));
  return {
    version,
    compat: version === 2 ? '0.10' : '1.1',
    cluster_size: 2 ** clusterBits(head),
    refcount_bits: version === 2 ? 16 : 2 ** Math.min(head.u32be(96), 32),
    compression_type: COMPRESSIONS[compressionType(head)],
    encryption: ENCRYPTIONS[head.u32be(32)],
    snapshot_count: head.u32be(60),
    lazy_refcounts: version !== 2 && (head.big64be(80) & LAZY_REFCOUNTS) !== 0n,
    extended_l2: (bits & EXTENDED_L2) !== 0n,
    dirty: (bits & DIRTY) !== 0n,
    corrupt: (bits & CORRUPT) !== 0n,
    bitmap_count: extensions.bitmapCount,
    backing_file: backingName === '' ? undefined : backingName,
    backing_format: extensions.backingFormat,
    data_file: extensions.dataFile,
  };
}

function incompatible(head: ByteView): bigint {
  return head.u32be(4) === 2 ? 0n : head.big64be(72);
}

/** The field is absent, and means zlib, where the header is too short for it. */
function compressionType(head: ByteView): number {
  return headerLength(head) > HEADER_LENGTH_V3 ? head.u8(104) : 0;
}

function headerLength(head: ByteView): number {
  return head.u32be(4) === 2 ? HEADER_LENGTH_V2 : head.u32be(100);
}

/** Bounded, so that a hostile field makes no absurd number; `judgeTables` refuses what is cut. */
function clusterBits(head: ByteView): number {
  return Math.min(head.u32be(20), 30);
}
