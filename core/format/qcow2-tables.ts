import type { ByteView } from './byte-view.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';

// Field offsets: see qcow2.ts. The limits are those of QEMU block/qcow2.h, since an image that QEMU
// refuses for them has no use: QCOW_MAX_L1_SIZE, QCOW_MAX_REFTABLE_SIZE, QCOW_MAX_SNAPSHOTS.
const MIN_CLUSTER_BITS = 9;
const MAX_CLUSTER_BITS = 21;
const MAX_L1_LENGTH = 32 * 1024 * 1024;
const MAX_REFCOUNT_TABLE_LENGTH = 8 * 1024 * 1024;
const MAX_SNAPSHOTS = 65536;

/** A snapshot table entry has 40 bytes and more; section "Snapshots". */
const MIN_SNAPSHOT_LENGTH = 40;

/** "refcount_order: … This value may not exceed 6". */
const MAX_REFCOUNT_ORDER = 6;

const MIN_HEADER_LENGTH_V3 = 104;

/** Judges the geometry of an image and whether its tables lie inside a file of `size` bytes. */
export function* judgeTables(head: ByteView, size: number): Iterable<Finding> {
  const [version, clusterBits] = [head.u32be(4), head.u32be(20)];
  if (clusterBits < MIN_CLUSTER_BITS || clusterBits > MAX_CLUSTER_BITS) {
    yield finding(
      'header-malformed',
      20,
      `The cluster bits are ${clusterBits}, allowed are ${MIN_CLUSTER_BITS} to ${MAX_CLUSTER_BITS}`,
    );
    return;
  }
  const clusterSize = 2 ** clusterBits;
  if (version === 3) yield* judgeV3(head, clusterSize);
  yield* judgeL1(head, clusterSize, size);
  yield* judgeRefcounts(head, clusterSize, size);
  yield* judgeSnapshots(head, clusterSize, size);
}

function* judgeV3(head: ByteView, clusterSize: number): Iterable<Finding> {
  const [refcountOrder, headerLength] = [head.u32be(96), head.u32be(100)];
  if (refcountOrder > MAX_REFCOUNT_ORDER) {
    yield finding(
      'header-malformed',
      96,
      `The refcount order is ${refcountOrder}, the limit is ${MAX_REFCOUNT_ORDER}`,
    );
  }
  if (headerLength < MIN_HEADER_LENGTH_V3 || headerLength > clusterSize || headerLength % 8 !== 0) {
    yield finding('header-malformed', 100, `The header length is ${headerLength} bytes`);
  }
}

function* judgeL1(head: ByteView, clusterSize: number, size: number): Iterable<Finding> {
  const [virtualSize, entries, offset] = [head.u64be(24), head.u32be(36), head.u64be(40)];
  const hasExtendedL2 = head.u32be(4) === 3 && (head.big64be(72) & 16n) !== 0n;
  const bytesPerEntry = (clusterSize / (hasExtendedL2 ? 16 : 8)) * clusterSize;
  const needed = Math.ceil(virtualSize / bytesPerEntry);
  if (entries * 8 > MAX_L1_LENGTH) {
    yield finding('header-malformed', 36, `The L1 table has ${entries} entries`);
    return;
  }
  if (entries < needed && Number.isSafeInteger(virtualSize)) {
    yield finding(
      'header-malformed',
      36,
      `The L1 table has ${entries} entries, the virtual size needs ${needed}`,
    );
  }
  if (entries > 0) yield* inside('L1 table', 40, offset, entries * 8, clusterSize, size);
}

function* judgeRefcounts(head: ByteView, clusterSize: number, size: number): Iterable<Finding> {
  const [offset, clusters] = [head.u64be(48), head.u32be(56)];
  if (clusters === 0 || clusters * clusterSize > MAX_REFCOUNT_TABLE_LENGTH) {
    yield finding('header-malformed', 56, `The refcount table has ${clusters} clusters`);
    return;
  }
  // Writers may leave the unused end of the table out of the file: one entry has to be there.
  yield* inside('refcount table', 48, offset, 8, clusterSize, size);
}

function* judgeSnapshots(head: ByteView, clusterSize: number, size: number): Iterable<Finding> {
  const [count, offset] = [head.u32be(60), head.u64be(64)];
  if (count > MAX_SNAPSHOTS) {
    yield finding(
      'header-malformed',
      60,
      `The image has ${count} snapshots, the limit is ${MAX_SNAPSHOTS}`,
    );
  } else if (count > 0) {
    yield* inside('snapshot table', 64, offset, count * MIN_SNAPSHOT_LENGTH, clusterSize, size);
  }
}

function* inside(
  table: string,
  fieldAt: number,
  offset: number,
  length: number,
  clusterSize: number,
  size: number,
): Iterable<Finding> {
  if (offset % clusterSize !== 0 || offset === 0) {
    yield finding(
      'header-malformed',
      fieldAt,
      `The ${table} is at offset ${BigInt(offset)}, which is not the start of a cluster behind the first`,
    );
  }
  if (offset + length > size) {
    yield finding(
      'outside-file',
      fieldAt,
      `The ${table} ends at ${BigInt(offset + length)}, the file at ${size}`,
    );
  }
}
