import { createHash } from 'node:crypto';
import { Writer, type LengthField, type Patch } from './writer.js';

export const LUKS1_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'payload offset', at: 104, type: 'u32be' },
  { name: 'key bytes', at: 108, type: 'u32be' },
];

export const LUKS2_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'header length', at: 8, type: 'u64be' },
  { name: 'header offset', at: 256, type: 'u64be' },
];

const UUID = '01234567-89ab-cdef-0123-456789abcdef';

/** A LUKS volume of version 1 with a payload of 4 KiB. */
export function luks1Image(patch?: Patch): Uint8Array {
  return new Writer(8192)
    .text(0, 'LUKS\xba\xbe')
    .u16be(6, 1)
    .text(8, 'aes')
    .text(40, 'xts-plain64')
    .text(72, 'sha256')
    .u32be(104, 8)
    .u32be(108, 64)
    .text(168, UUID)
    .apply(patch).bytes;
}

/** A LUKS volume of version 2 with a header of 16 KiB and a payload of 4 KiB. */
export function luks2Image(segment: object = {}, patch?: Patch): Uint8Array {
  const headerLength = 16384;
  const segments = {
    '0': {
      type: 'crypt',
      offset: '16384',
      size: 'dynamic',
      encryption: 'aes-xts-plain64',
      ...segment,
    },
  };
  const writer = new Writer(headerLength + 4096)
    .text(0, 'LUKS\xba\xbe')
    .u16be(6, 2)
    .u64be(8, headerLength)
    .text(72, 'sha256')
    .text(168, UUID)
    .text(4096, JSON.stringify({ segments }))
    .apply(patch);
  const sum = createHash('sha256').update(writer.bytes.subarray(0, headerLength)).digest();
  return writer.set(448, sum).bytes;
}
