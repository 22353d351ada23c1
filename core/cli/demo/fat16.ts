/** A file of the root directory. */
export interface FatFile {
  /** Upper case, 8.3. */
  readonly name: string;
  readonly data: Uint8Array;
}

/** A piece of a disk: everything that is not listed is zero. */
export interface Piece {
  readonly offset: number;
  readonly data: Uint8Array;
}

const SECTOR = 512;
const RESERVED_SECTORS = 1;
const FATS = 2;
const ROOT_ENTRIES = 512;
const ENTRY_BYTES = 32;
/** 16 KiB: between 4085 and 65524 clusters, which is what makes a file system FAT16. */
const SECTORS_PER_CLUSTER = 32;
const MEDIA_FIXED = 0xf8;
const END_OF_CHAIN = 0xffff;
/** Attribute bits of a directory entry. */
const ARCHIVE = 0x20;
const VOLUME_LABEL = 0x08;

/**
 * A FAT16 file system with files in its root directory (Microsoft FAT specification, 2005, sections
 * 3 and 6).
 * @param sectors 512-byte sectors of the partition: 64 MiB to 1 GiB in all
 * @param hidden sectors before the partition
 */
export function fat16(
  sectors: number,
  hidden: number,
  label: string,
  files: readonly FatFile[],
): readonly Piece[] {
  const rootSectors = (ROOT_ENTRIES * ENTRY_BYTES) / SECTOR;
  const clusters = Math.floor(sectors / SECTORS_PER_CLUSTER);
  const fatSectors = Math.ceil(((clusters + 2) * 2) / SECTOR);
  const rootAt = (RESERVED_SECTORS + FATS * fatSectors) * SECTOR;
  const dataAt = rootAt + rootSectors * SECTOR;
  const clusterBytes = SECTORS_PER_CLUSTER * SECTOR;

  const fat = Buffer.alloc(fatSectors * SECTOR);
  fat.writeUInt16LE(0xff00 | MEDIA_FIXED, 0);
  fat.writeUInt16LE(END_OF_CHAIN, 2);
  const root = Buffer.alloc(rootSectors * SECTOR);
  directoryEntry(root, 0, label.padEnd(11), VOLUME_LABEL, 0, 0);

  const pieces: Piece[] = [];
  let next = 2;
  files.forEach(({ name, data }, index) => {
    const [base = '', extension = ''] = name.split('.');
    const count = Math.ceil(data.length / clusterBytes);
    directoryEntry(
      root,
      (index + 1) * ENTRY_BYTES,
      base.padEnd(8) + extension.padEnd(3),
      ARCHIVE,
      count === 0 ? 0 : next,
      data.length,
    );
    for (let cluster = next; cluster < next + count; cluster += 1) {
      const follower = cluster === next + count - 1 ? END_OF_CHAIN : cluster + 1;
      fat.writeUInt16LE(follower, cluster * 2);
    }
    pieces.push({ offset: dataAt + (next - 2) * clusterBytes, data });
    next += count;
  });
  return [
    { offset: 0, data: bootSector(sectors, hidden, fatSectors, label) },
    ...Array.from({ length: FATS }, (_, copy) => ({
      offset: (RESERVED_SECTORS + copy * fatSectors) * SECTOR,
      data: fat,
    })),
    { offset: rootAt, data: root },
    ...pieces,
  ];
}

function bootSector(sectors: number, hidden: number, fatSectors: number, label: string): Buffer {
  const boot = Buffer.alloc(SECTOR);
  boot.set([0xeb, 0x3c, 0x90], 0); // a jump over the parameters
  boot.write('STOWAGE ', 3, 'latin1');
  boot.writeUInt16LE(SECTOR, 11);
  boot.writeUInt8(SECTORS_PER_CLUSTER, 13);
  boot.writeUInt16LE(RESERVED_SECTORS, 14);
  boot.writeUInt8(FATS, 16);
  boot.writeUInt16LE(ROOT_ENTRIES, 17);
  boot.writeUInt8(MEDIA_FIXED, 21);
  boot.writeUInt16LE(fatSectors, 22);
  boot.writeUInt16LE(63, 24); // sectors of a track, for the BIOS
  boot.writeUInt16LE(255, 26); // heads
  boot.writeUInt32LE(hidden, 28);
  boot.writeUInt32LE(sectors, 32);
  boot.writeUInt8(0x80, 36); // drive number
  boot.writeUInt8(0x29, 38); // the next three fields are there
  boot.writeUInt32LE(0x53544f57, 39); // volume id
  boot.write(label.padEnd(11), 43, 'latin1');
  boot.write('FAT16   ', 54, 'latin1');
  boot.writeUInt16LE(0xaa55, 510);
  return boot;
}

function directoryEntry(
  root: Buffer,
  at: number,
  name: string,
  attributes: number,
  cluster: number,
  size: number,
): void {
  root.write(name, at, 'latin1');
  root.writeUInt8(attributes, at + 11);
  root.writeUInt16LE(0x0021, at + 24); // 1980-01-01, the first day that FAT knows
  root.writeUInt16LE(cluster, at + 26);
  root.writeUInt32LE(size, at + 28);
}
