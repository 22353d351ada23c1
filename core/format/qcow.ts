import { quoted, type ByteView } from './byte-view.js';
import { read, readEnd, type FormatInspector, type Inspecting } from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { wholeSectors } from './sector.js';

// Source: QEMU block/qcow.c, struct QCowHeader; all fields are big-endian.
//
//  offset size                            offset size
//       0    4  magic "QFI\xfb"               24    8  virtual size
//       4    4  version, 1                    32    1  cluster bits
//       8    8  backing file name offset      33    1  L2 bits
//      16    4  backing file name length      36    4  encryption method
//      20    4  modification time             40    8  L1 table offset
const SIGNATURE = 'QFI\xfb';
const HEADER_LENGTH = 48;
const HEAD_READ = 64 * 1024;

/** Limits of QEMU qcow_open(). */
const CLUSTER_BITS = { min: 9, max: 16 };
const L2_BITS = { min: 6, max: 13 };
const MAX_BACKING_NAME = 1023;
const MAX_L1_LENGTH = 2 ** 31 - 1;

const ENCRYPTIONS = ['none', 'aes', 'luks'];

/** Copy-on-write images of QEMU, version 1. */
export const qcow: FormatInspector = { name: 'qcow', inspect };

function* inspect(): Inspecting {
  const start = yield* read(0, 8);
  if (!start.startsWith(SIGNATURE) || start.u32be(4) !== 1) return undefined;
  const head = yield* read(0, HEAD_READ);
  const { size } = yield* readEnd(0);
  const [backingAt, backingLength] = [head.u64be(8), head.u32be(16)];
  const backing = backingAt === 0 ? '' : head.text(backingAt, backingLength);
  return {
    format: 'qcow',
    layer: 'image',
    signatureAt: 0,
    firstSector: 'header',
    virtualSize: { bytes: wholeSectors(head.u64be(24)), offset: 24 },
    findings: [...judge(head, size)],
    metadata: {
      version: 1,
      cluster_size: 2 ** Math.min(head.u8(32), 30),
      encryption: ENCRYPTIONS[head.u32be(36)],
      backing_file: backing === '' ? undefined : backing,
    },
  };
}

function* judge(head: ByteView, size: number): Iterable<Finding> {
  if (head.length < HEADER_LENGTH) {
    yield finding('truncated', 0, `The file ends inside the header, after ${head.length} bytes`);
    return;
  }
  const [backingAt, backingLength] = [head.u64be(8), head.u32be(16)];
  if (backingAt !== 0) {
    const name = quoted(head.text(backingAt, Math.min(backingLength, MAX_BACKING_NAME)));
    yield finding('backing-file', 8, `The image has the backing file ${name}`);
  }
  const method = head.u32be(36);
  if (method !== 0) {
    yield method < ENCRYPTIONS.length
      ? finding('encrypted', 36, `The guest data is encrypted by "${ENCRYPTIONS[method] ?? ''}"`)
      : finding('header-malformed', 36, `The encryption method is ${method}`);
  }
  yield* judgeTable(head, size);
}

function* judgeTable(head: ByteView, size: number): Iterable<Finding> {
  const [clusterBits, l2Bits, offset] = [head.u8(32), head.u8(33), head.u64be(40)];
  if (clusterBits < CLUSTER_BITS.min || clusterBits > CLUSTER_BITS.max) {
    yield finding('header-malformed', 32, `The cluster bits are ${clusterBits}`);
    return;
  }
  if (l2Bits < L2_BITS.min || l2Bits > L2_BITS.max) {
    yield finding('header-malformed', 33, `The L2 bits are ${l2Bits}`);
    return;
  }
  const length = Math.ceil(head.u64be(24) / 2 ** (clusterBits + l2Bits)) * 8;
  if (length > MAX_L1_LENGTH) {
    yield finding('virtual-size-limit', 24, `The virtual size is ${head.big64be(24)} bytes`);
  } else if (length > 0 && offset < HEADER_LENGTH) {
    yield finding('header-malformed', 40, `The L1 table is at offset ${offset}, in the header`);
  } else if (offset + length > size) {
    yield finding(
      'outside-file',
      40,
      `The L1 table ends at ${BigInt(offset + length)}, the file at ${size}`,
    );
  }
}
