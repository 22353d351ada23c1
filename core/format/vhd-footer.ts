import type { ByteView } from './byte-view.js';
import { SECTOR, wholeSectors } from './sector.js';

// Source: Microsoft, "Virtual Hard Disk Image Format Specification" 1.0 (2006), "Hard Disk Footer
// Format"; all fields are big-endian.
//
//  offset size                            offset size
//       0    8  cookie "conectix"             48    8  current size
//       8    4  features                      56    4  geometry: 2 cylinders, 1 heads, 1 sectors
//      12    4  file format version           60    4  disk type
//      16    8  offset of the dynamic header  64    4  checksum
//      24    4  time stamp                    68   16  unique id
//      28    4  creator application           84    1  saved state
//      32    4  creator version
//      36    4  creator host OS
//      40    8  original size
export const COOKIE = 'conectix';
export const FOOTER_LENGTH = 512;

export const TYPES: ReadonlyMap<number, string> = new Map([
  [2, 'fixed'],
  [3, 'dynamic'],
  [4, 'differencing'],
]);

/** Creators whose size is the current size; QEMU block/vpc.c vpc_open(). */
const SIZE_CREATORS = ['win ', 'qem2', 'd2v ', 'tap\0', 'CTXS'];

/** The highest geometry, which stands for every larger disk; VHD_MAX_GEOMETRY in block/vpc.c. */
const MAX_GEOMETRY = 65535 * 16 * 255;

/**
 * Virtual size as QEMU takes it: older programs show their guests the product of the geometry, which
 * may be less than the current size.
 */
export function sizeOf(footer: ByteView): number {
  const sectors = footer.u16be(56) * footer.u8(58) * footer.u8(59);
  const usesSize = SIZE_CREATORS.includes(footer.latin1(28, 4)) || sectors === MAX_GEOMETRY;
  return usesSize ? wholeSectors(footer.u64be(48)) : sectors * SECTOR;
}

/** "The one's complement of the sum of all the bytes … without the checksum field". */
export function checksum(structure: ByteView, fieldAt: number): number {
  let sum = 0;
  structure.bytes.forEach((byte, at) => {
    if (at < fieldAt || at >= fieldAt + 4) sum += byte;
  });
  return ~sum >>> 0;
}
