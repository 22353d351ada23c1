import { quoted, type ByteView } from './byte-view.js';
import { read, readEnd, type FormatInspector, type Inspecting } from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { SECTOR } from './sector.js';

// Source: QEMU docs/interop/qed_spec.txt, "Header"; all fields are little-endian.
//
//  offset size                            offset size
//       0    4  magic "QED\0"                 32    8  autoclear features
//       4    4  cluster size                  40    8  L1 table offset
//       8    4  clusters of a table           48    8  image size
//      12    4  clusters of the header        56    4  backing file name offset
//      16    8  features                      60    4  backing file name length
//      24    8  compatible features
const SIGNATURE = 'QED\0';
const HEADER_LENGTH = 64;
const HEAD_READ = 64 * 1024;

const BACKING_FILE = 1n;
const NEED_CHECK = 2n;
const BACKING_FORMAT_NO_PROBE = 4n;
const KNOWN_FEATURES = BACKING_FILE | NEED_CHECK | BACKING_FORMAT_NO_PROBE;

/** "cluster_size: … must be a power of 2 in the range 2^12 to 2^26". */
const CLUSTER_SIZE = { min: 2 ** 12, max: 2 ** 26 };

/** "table_size: … must be a power of 2 in the range 1 to 16". */
const MAX_TABLE_CLUSTERS = 16;

/** Enhanced disks of QEMU. */
export const qed: FormatInspector = { name: 'qed', inspect };

function* inspect(): Inspecting {
  const start = yield* read(0, 4);
  if (!start.startsWith(SIGNATURE)) return undefined;
  const head = yield* read(0, HEAD_READ);
  const { size } = yield* readEnd(0);
  return {
    format: 'qed',
    layer: 'image',
    signatureAt: 0,
    firstSector: 'header',
    virtualSize: { bytes: head.u64le(48), offset: 48 },
    findings: [...judge(head, size)],
    metadata: {
      cluster_size: head.u32le(4),
      table_size: head.u32le(8),
      backing_file: hasBackingFile(head) ? backingName(head) : undefined,
    },
  };
}

function* judge(head: ByteView, size: number): Iterable<Finding> {
  if (head.length < HEADER_LENGTH) {
    yield finding('truncated', 0, `The file ends inside the header, after ${head.length} bytes`);
    return;
  }
  const features = head.big64le(16);
  if (hasBackingFile(head)) {
    yield finding(
      'backing-file',
      56,
      `The image has the backing file ${quoted(backingName(head))}`,
    );
  }
  if (features & ~KNOWN_FEATURES) {
    const unknown = (features & ~KNOWN_FEATURES).toString(16);
    yield finding('unknown-features', 16, `The unknown features 0x${unknown} are set`);
  }
  if (features & NEED_CHECK) {
    yield finding('not-closed-cleanly', 16, 'The image asks for a check');
  }
  const [clusterSize, tableClusters] = [head.u32le(4), head.u32le(8)];
  if (
    !isPowerOfTwo(clusterSize) ||
    clusterSize < CLUSTER_SIZE.min ||
    clusterSize > CLUSTER_SIZE.max
  ) {
    yield finding('header-malformed', 4, `The cluster size is ${clusterSize} bytes`);
    return;
  }
  if (!isPowerOfTwo(tableClusters) || tableClusters > MAX_TABLE_CLUSTERS) {
    yield finding('header-malformed', 8, `A table has ${tableClusters} clusters`);
    return;
  }
  yield* judgeSize(head, clusterSize * tableClusters, size);
}

function* judgeSize(head: ByteView, tableLength: number, size: number): Iterable<Finding> {
  const [clusterSize, headerClusters] = [head.u32le(4), head.u32le(12)];
  const [offset, imageSize] = [head.u64le(40), head.u64le(48)];
  const limit = (tableLength / 8) ** 2 * clusterSize;
  if (imageSize > limit) {
    yield finding(
      'virtual-size-limit',
      48,
      `The virtual size is ${head.big64le(48)} bytes, tables of this size reach ${BigInt(limit)}`,
    );
  }
  if (imageSize % SECTOR !== 0) {
    yield finding('header-malformed', 48, `The size ${imageSize} is no multiple of a sector`);
  }
  if (offset % clusterSize !== 0 || offset < clusterSize * Math.max(headerClusters, 1)) {
    yield finding(
      'header-malformed',
      40,
      `The L1 table is at offset ${BigInt(offset)}, which is not the start of a cluster behind the header`,
    );
  }
  if (offset + tableLength > size) {
    yield finding(
      'outside-file',
      40,
      `The L1 table ends at ${BigInt(offset + tableLength)}, the file at ${size}`,
    );
  }
}

function hasBackingFile(head: ByteView): boolean {
  return (head.big64le(16) & BACKING_FILE) !== 0n;
}

function backingName(head: ByteView): string {
  return head.text(head.u32le(56), head.u32le(60));
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
