import { crc32 } from '../../../core/format/checksum.js';
import { Writer, type LengthField, type Patch } from './writer.js';

const SECTORS = 2048;
const SECTOR = 512;

export const GPT_LENGTH_FIELDS: readonly LengthField[] = [
  { name: 'header length', at: SECTOR + 12, type: 'u32le' },
  { name: 'backup LBA', at: SECTOR + 32, type: 'u64le' },
  { name: 'entries LBA', at: SECTOR + 72, type: 'u64le' },
  { name: 'entry count', at: SECTOR + 80, type: 'u32le' },
  { name: 'entry length', at: SECTOR + 84, type: 'u32le' },
];

export type Partition = {
  readonly indicator?: number;
  readonly type?: number;
  readonly first?: number;
  readonly sectors?: number;
};

/** A disk of 1 MiB with an MBR. */
export function mbrDisk(
  partitions: readonly Partition[] = [{}],
  patch?: Patch,
  sectors = SECTORS,
): Uint8Array {
  const writer = new Writer(sectors * SECTOR).u32le(440, 0x12345678).u16le(510, 0xaa55);
  partitions.forEach(({ indicator = 0, type = 0x83, first = 64, sectors: count = 128 }, index) => {
    const at = 446 + index * 16;
    writer
      .u8(at, indicator)
      .u8(at + 4, type)
      .u32le(at + 8, first)
      .u32le(at + 12, count);
  });
  return writer.apply(patch).bytes;
}

/** A disk of 1 MiB with a GPT, its backup and one partition. `patch` comes before the checksums. */
export function gptDisk(patch?: Patch): Uint8Array {
  const writer = new Writer(SECTORS * SECTOR).set(
    0,
    mbrDisk([{ type: 0xee, first: 1, sectors: SECTORS - 1 }]).subarray(0, SECTOR),
  );
  for (const at of [2 * SECTOR, (SECTORS - 33) * SECTOR]) {
    writer.guid(at, '0fc63daf-8483-4772-8e79-3d69d8477de4').guid(at + 16, GUID);
    writer.u64le(at + 32, 34).u64le(at + 40, 1000);
  }
  header(writer, 1, SECTORS - 1, 2);
  header(writer, SECTORS - 1, 1, SECTORS - 33);
  writer.apply(patch);
  seal(writer, SECTOR);
  seal(writer, (SECTORS - 1) * SECTOR);
  return writer.bytes;
}

export const GUID = '01234567-89ab-cdef-0123-456789abcdef';

/** The boot sector of a file system, as a disk of 64 KiB. */
export function fileSystem(kind: 'ntfs' | 'fat16' | 'exfat'): Uint8Array {
  const writer = new Writer(128 * SECTOR).text(0, '\xeb\x3c\x90').u16le(510, 0xaa55);
  if (kind === 'exfat') return writer.text(3, 'EXFAT   ').bytes;
  writer
    .text(3, kind === 'ntfs' ? 'NTFS    ' : 'MSDOS5.0')
    .u16le(11, SECTOR)
    .u8(13, 8);
  // Boot code often has text in the place of the records; these values even look like one.
  writer.u8(446, 0x80).u8(450, 7).u32le(454, 1).u32le(458, 100);
  return kind === 'ntfs' ? writer.bytes : writer.u16le(14, 1).u8(16, 2).u8(21, 0xf8).bytes;
}

function header(writer: Writer, lba: number, otherLba: number, entriesLba: number): void {
  const at = lba * SECTOR;
  writer
    .text(at, 'EFI PART')
    .u32le(at + 8, 0x00010000)
    .u32le(at + 12, 92)
    .u64le(at + 24, lba)
    .u64le(at + 32, otherLba)
    .u64le(at + 40, 34)
    .u64le(at + 48, SECTORS - 34)
    .guid(at + 56, GUID)
    .u64le(at + 72, entriesLba)
    .u32le(at + 80, 128)
    .u32le(at + 84, 128)
    .u32le(at + 88, crc32(writer.bytes.subarray(entriesLba * SECTOR, (entriesLba + 32) * SECTOR)));
}

function seal(writer: Writer, at: number): void {
  writer.u32le(at + 16, 0).u32le(at + 16, crc32(writer.bytes.subarray(at, at + 92)));
}
