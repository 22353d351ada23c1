import { createHash } from 'node:crypto';
import { Writer, type LengthField, type Patch } from './writer.js';

export const LUKS1_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'payload offset', at: 104, type: 'u32be' },
  { name: 'key bytes', at: 108, type: 'u32be' },
  { name: 'state of a key slot', at: 208, type: 'u32be' },
  { name: 'offset of a key slot', at: 248, type: 'u32be' },
  { name: 'stripes of a key slot', at: 252, type: 'u32be' },
];

export const LUKS2_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'header length', at: 8, type: 'u64be' },
  { name: 'header offset', at: 256, type: 'u64be' },
  { name: 'sequence number', at: 16, type: 'u64be' },
  { name: 'second sequence number', at: 16384 + 16, type: 'u64be' },
];

const ENABLED = 0x00ac71f3;
const DISABLED = 0x0000dead;
const UUID = '01234567-89ab-cdef-0123-456789abcdef';

/** A LUKS volume of version 1 with a payload of 4 KiB. */
export function luks1Image(patch?: Patch): Uint8Array {
  const writer = new Writer(8192);
  for (let slot = 0; slot < 8; slot += 1) writer.u32be(208 + slot * 48, DISABLED);
  // The key material of the one slot in use: 4 stripes of 64 bytes at sector 4.
  writer.u32be(208, ENABLED).u32be(248, 4).u32be(252, 4);
  return writer
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

export type Luks2Options = {
  /** Changes to the one segment. */
  readonly segment?: object;
  /** Keys beside `segments` in the JSON. */
  readonly json?: object;
  readonly headerLength?: number;
  /** A change to the first header, made before its checksum. */
  readonly patch?: Patch;
};

/** A LUKS volume of version 2 with two headers of 16 KiB and a payload of 4 KiB. */
export function luks2Image({
  segment = {},
  json = {},
  headerLength = 16384,
  patch,
}: Luks2Options = {}): Uint8Array {
  const segments = {
    '0': {
      type: 'crypt',
      offset: String(2 * headerLength),
      size: 'dynamic',
      encryption: 'aes-xts-plain64',
      ...segment,
    },
  };
  const writer = new Writer(2 * headerLength + 4096);
  for (const at of [0, headerLength]) {
    writer
      .text(at, at === 0 ? 'LUKS\xba\xbe' : 'SKUL\xba\xbe')
      .u16be(at + 6, 2)
      .u64be(at + 8, headerLength)
      .u64be(at + 16, 3)
      .text(at + 72, 'sha256')
      .text(at + 168, UUID)
      .u64be(at + 256, at)
      .text(at + 4096, JSON.stringify({ segments, ...json }));
  }
  writer.apply(patch);
  for (const at of [0, headerLength]) {
    const header = writer.bytes.subarray(at, at + headerLength);
    writer.set(at + 448, createHash('sha256').update(header).digest());
  }
  return writer.bytes;
}
