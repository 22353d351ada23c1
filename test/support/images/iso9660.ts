import { mbrDisk } from './disk.js';
import { Writer, type LengthField, type Patch } from './writer.js';

const SECTOR = 2048;
const PRIMARY_AT = 16 * SECTOR;

export const ISO_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'volume size, little-endian', at: PRIMARY_AT + 80, type: 'u32le' },
  { name: 'volume size, big-endian', at: PRIMARY_AT + 84, type: 'u32be' },
  { name: 'block size, little-endian', at: PRIMARY_AT + 128, type: 'u16le' },
  { name: 'block size, big-endian', at: PRIMARY_AT + 130, type: 'u16be' },
  { name: 'root directory block', at: PRIMARY_AT + 158, type: 'u32le' },
];

/** A disc of 24 sectors with El Torito, Joliet and Rock Ridge descriptors. */
export function isoImage(patch?: Patch): Uint8Array {
  const writer = new Writer(24 * SECTOR);
  const types = [1, 0, 2, 255];
  types.forEach((type, index) => {
    const at = PRIMARY_AT + index * SECTOR;
    writer
      .u8(at, type)
      .text(at + 1, 'CD001')
      .u8(at + 6, 1);
  });
  return writer
    .text(PRIMARY_AT + 8, 'LINUX'.padEnd(32))
    .text(PRIMARY_AT + 40, 'STOWAGE'.padEnd(32))
    .u32le(PRIMARY_AT + 80, 24)
    .u32be(PRIMARY_AT + 84, 24)
    .u16le(PRIMARY_AT + 128, SECTOR)
    .u16be(PRIMARY_AT + 130, SECTOR)
    .u32le(PRIMARY_AT + 158, 21)
    .text(PRIMARY_AT + 318, 'PUBLISHER'.padEnd(128))
    .text(PRIMARY_AT + SECTOR + 7, 'EL TORITO SPECIFICATION')
    .text(PRIMARY_AT + 2 * SECTOR + 88, '%/E')
    .text(21 * SECTOR + 34, 'SP\x07\x01\xbe\xef')
    .apply(patch).bytes;
}

/** A disc whose system area has the partition table of a stick. */
export function hybridDisc(): Uint8Array {
  const table = mbrDisk([{ first: 1, sectors: 90 }]).subarray(0, 512);
  return isoImage((writer) => writer.set(0, table));
}
