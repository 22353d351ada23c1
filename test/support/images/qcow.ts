import { Writer, type LengthField, type Patch } from './writer.js';

export const QCOW_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'backing file offset', at: 8, type: 'u64be' },
  { name: 'backing file length', at: 16, type: 'u32be' },
  { name: 'virtual size', at: 24, type: 'u64be' },
  { name: 'cluster bits', at: 32, type: 'u8' },
  { name: 'L2 bits', at: 33, type: 'u8' },
  { name: 'L1 offset', at: 40, type: 'u64be' },
];

/** An empty qcow of 1 MiB. */
export function qcowImage(patch?: Patch): Uint8Array {
  return new Writer(8192)
    .text(0, 'QFI\xfb')
    .u32be(4, 1)
    .u64be(24, 1024 * 1024)
    .u8(32, 12)
    .u8(33, 9)
    .u64be(40, 48)
    .apply(patch).bytes;
}

export const QED_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'cluster size', at: 4, type: 'u32le' },
  { name: 'table size', at: 8, type: 'u32le' },
  { name: 'header size', at: 12, type: 'u32le' },
  { name: 'L1 offset', at: 40, type: 'u64le' },
  { name: 'image size', at: 48, type: 'u64le' },
  { name: 'backing file offset', at: 56, type: 'u32le' },
  { name: 'backing file length', at: 60, type: 'u32le' },
];

/** An empty QED of 1 MiB. */
export function qedImage(patch?: Patch): Uint8Array {
  return new Writer(8192)
    .text(0, 'QED\0')
    .u32le(4, 4096)
    .u32le(8, 1)
    .u32le(12, 1)
    .u64le(40, 4096)
    .u64le(48, 1024 * 1024)
    .apply(patch).bytes;
}
