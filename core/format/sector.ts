/** Bytes of the sector that QEMU counts a disk in, whatever sector the guest sees. */
export const SECTOR = 512;

/** The whole sectors of a size, in bytes. */
export function wholeSectors(bytes: number): number {
  return Math.floor(bytes / SECTOR) * SECTOR;
}

/** A size up to the end of its last sector, in bytes. */
export function paddedToSector(bytes: number): number {
  return Math.ceil(bytes / SECTOR) * SECTOR;
}
