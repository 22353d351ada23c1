/** Bytes of the sector that QEMU counts a disk in, whatever sector the guest sees. */
export const SECTOR = 512;

/**
 * Writers of discs count up to 150 sectors of run-out (ECMA-130, 2 seconds) that copies do not hold.
 */
export const DISC_RUN_OUT = 150 * 2048;

/** The whole sectors of a size, in bytes. */
export function wholeSectors(bytes: number): number {
  return Math.floor(bytes / SECTOR) * SECTOR;
}

/** A size up to the end of its last sector, in bytes. */
export function paddedToSector(bytes: number): number {
  return Math.ceil(bytes / SECTOR) * SECTOR;
}
