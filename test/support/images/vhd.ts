import { Writer, type LengthField, type Patch } from './writer.js';

const MIB = 1024 * 1024;
const BLOCK_SIZE = 2 * MIB;

/** Fields of the footer, from its start. */
export const VHD_FOOTER_FIELDS: readonly LengthField[] = [
  { name: 'dynamic header offset', at: 16, type: 'u64be' },
  { name: 'current size', at: 48, type: 'u64be' },
  { name: 'cylinders', at: 56, type: 'u16be' },
  { name: 'disk type', at: 60, type: 'u32be' },
];

/** Fields of the dynamic header, from its start. */
export const VHD_DYNAMIC_FIELDS: readonly LengthField[] = [
  { name: 'table offset', at: 16, type: 'u64be' },
  { name: 'table entries', at: 28, type: 'u32be' },
  { name: 'block size', at: 32, type: 'u32be' },
];

export type VhdOptions = {
  readonly virtualSize?: number;
  readonly creator?: string;
  /** Changes to the footer and its copy, made before the checksum. */
  readonly patch?: Patch;
  /** Changes to the dynamic header, made before the checksum. */
  readonly patchDynamic?: Patch;
};

/** A footer as it ends every VHD. */
export function vhdFooter(
  type: number,
  { virtualSize = MIB, creator = 'win ', patch }: VhdOptions,
): Uint8Array {
  const writer = new Writer(512)
    .text(0, 'conectix')
    .u32be(8, 2)
    .u32be(12, 0x00010000)
    .u64be(16, type === 2 ? 0xffffffffffffffffn : 512)
    .text(28, creator)
    .u32be(32, 0x000a0000)
    .text(36, 'Wi2k')
    .u64be(40, virtualSize)
    .u64be(48, virtualSize)
    .u16be(56, Math.floor(virtualSize / (4 * 17 * 512)))
    .u8(58, 4)
    .u8(59, 17)
    .u32be(60, type)
    .apply(patch);
  return writer.u32be(64, checksum(writer.bytes)).bytes;
}

/** A fixed VHD around a payload. */
export function vhdFixed(payload: Uint8Array, options: VhdOptions = {}): Uint8Array {
  const footer = vhdFooter(2, { virtualSize: payload.length, ...options });
  return Buffer.concat([payload, footer]);
}

/** An empty dynamic VHD. */
export function vhdDynamic(options: VhdOptions = {}): Uint8Array {
  const footer = vhdFooter(3, options);
  const entries = Math.ceil((options.virtualSize ?? MIB) / BLOCK_SIZE);
  const dynamic = new Writer(1024)
    .text(0, 'cxsparse')
    .u64be(8, 0xffffffffffffffffn)
    .u64be(16, 1536)
    .u32be(24, 0x00010000)
    .u32be(28, entries)
    .u32be(32, BLOCK_SIZE)
    .apply(options.patchDynamic);
  dynamic.u32be(36, checksum(dynamic.bytes));
  const table = new Uint8Array(512).fill(0xff);
  return Buffer.concat([footer, dynamic.bytes, table, footer]);
}

function checksum(bytes: Uint8Array): number {
  return ~bytes.reduce((sum, byte) => sum + byte, 0) >>> 0;
}
