import { crc32 } from 'node:zlib';
import type { Piece } from './fat16.js';

const SECTOR = 512;
const ENTRIES = 128;
const ENTRY_BYTES = 128;
const TABLE_SECTORS = (ENTRIES * ENTRY_BYTES) / SECTOR;
/** EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, "basic data", as it lies on the disk. */
const BASIC_DATA = 'a2a0d0ebe5b9334487c068b6b72699c7';

export interface Partition {
  readonly name: string;
  /** First and last 512-byte sector. */
  readonly first: number;
  readonly last: number;
}

/** The sectors at the beginning and at the end of a disk that a GPT takes. */
export const GPT_MARGIN = TABLE_SECTORS + 2;

/**
 * A GUID partition table with one partition, with its protective MBR and its second copy at the end
 * (UEFI specification 2.10, section 5.3).
 * @param sectors 512-byte sectors of the disk
 */
export function gpt(sectors: number, partition: Partition): readonly Piece[] {
  const table = Buffer.alloc(ENTRIES * ENTRY_BYTES);
  table.write(BASIC_DATA, 0, 'hex');
  table.write('53746f776167650a44656d6f20646973', 16, 'hex');
  table.writeBigUInt64LE(BigInt(partition.first), 32);
  table.writeBigUInt64LE(BigInt(partition.last), 40);
  table.write(partition.name, 56, 'utf16le');
  const last = sectors - 1;
  const backupTable = last - TABLE_SECTORS;
  return [
    { offset: 0, data: protectiveMbr(sectors) },
    { offset: SECTOR, data: header(sectors, table, 1, last, 2) },
    { offset: 2 * SECTOR, data: table },
    { offset: backupTable * SECTOR, data: table },
    { offset: last * SECTOR, data: header(sectors, table, last, 1, backupTable) },
  ];
}

function header(
  sectors: number,
  table: Uint8Array,
  self: number,
  other: number,
  tableAt: number,
): Buffer {
  const sector = Buffer.alloc(SECTOR);
  const HEADER_BYTES = 92;
  sector.write('EFI PART', 0, 'latin1');
  sector.writeUInt32LE(0x00010000, 8); // revision 1.0
  sector.writeUInt32LE(HEADER_BYTES, 12);
  sector.writeBigUInt64LE(BigInt(self), 24);
  sector.writeBigUInt64LE(BigInt(other), 32);
  sector.writeBigUInt64LE(BigInt(GPT_MARGIN), 40);
  sector.writeBigUInt64LE(BigInt(sectors - 1 - TABLE_SECTORS - 1), 48);
  sector.write('53746f77616765204469736b20477569', 56, 'hex');
  sector.writeBigUInt64LE(BigInt(tableAt), 72);
  sector.writeUInt32LE(ENTRIES, 80);
  sector.writeUInt32LE(ENTRY_BYTES, 84);
  sector.writeUInt32LE(crc32(table), 88);
  sector.writeUInt32LE(crc32(sector.subarray(0, HEADER_BYTES)), 16);
  return sector;
}

/** One partition of type 0xEE over the whole disk keeps old tools off it. */
function protectiveMbr(sectors: number): Buffer {
  const mbr = Buffer.alloc(SECTOR);
  mbr.set([0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff], 446);
  mbr.writeUInt32LE(1, 454);
  mbr.writeUInt32LE(Math.min(sectors - 1, 0xffffffff), 458);
  mbr.writeUInt16LE(0xaa55, 510);
  return mbr;
}
