import type { ByteView } from './byte-view.js';
import { read, readEnd, type FormatInspector, type Inspecting, type Verdict } from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { SECTOR } from './sector.js';

// Source: UEFI Specification 2.10, 5.2.1 "Legacy MBR": 440 disk signature, 446 four records of 16
// bytes (0 boot indicator, 4 type, 8 first LBA, 12 sectors; little-endian), 510 signature 55 AA.
const RECORDS_AT = 446;
const RECORD_LENGTH = 16;
const RECORDS = 4;
const PROTECTIVE = 0xee;

/** A signature alone: boot code of any kind, which tells nothing of a disk. */
const BOOT_SECTOR: Verdict = {
  format: 'boot sector',
  layer: 'boot-sector',
  signatureAt: 510,
  findings: [],
  metadata: {},
};

/** Partition tables in the first sector. A boot sector of a file system is not one. */
export const mbr: FormatInspector = { name: 'mbr', inspect };

function* inspect(): Inspecting {
  const sector = yield* read(0, SECTOR);
  const records = recordsOf(sector);
  if (!hasBootSignature(sector) || isFileSystem(sector)) return undefined;
  if (!isTable(records)) return BOOT_SECTOR;
  const used = records.filter(({ type }) => type !== 0);
  const { size } = yield* readEnd(0);
  return {
    format: 'mbr',
    layer: 'partition-table',
    signatureAt: 510,
    subformat: 'mbr',
    findings: [...judge(used, size)],
    metadata: {
      partition_table: 'mbr',
      partition_count: used.length,
      disk_signature: sector.u32le(440).toString(16).padStart(8, '0'),
    },
  };
}

/** Whether a sector ends with 55 AA, which boot sectors of all kinds do. */
export function hasBootSignature(sector: ByteView): boolean {
  return sector.u16le(510) === 0xaa55;
}

type Record = {
  readonly at: number;
  readonly indicator: number;
  readonly type: number;
  readonly first: number;
  readonly sectors: number;
};

function recordsOf(sector: ByteView): readonly Record[] {
  return Array.from({ length: RECORDS }, (_, index) => {
    const at = RECORDS_AT + index * RECORD_LENGTH;
    return {
      at,
      indicator: sector.u8(at),
      type: sector.u8(at + 4),
      first: sector.u32le(at + 8),
      sectors: sector.u32le(at + 12),
    };
  });
}

/** Whether the records can be partitions: boot code or text in their place has other values. */
function isTable(records: readonly Record[]): boolean {
  const used = records.filter(({ type }) => type !== 0);
  const active = records.filter(({ indicator }) => indicator === 0x80);
  return (
    used.length > 0 &&
    active.length <= 1 &&
    records.every(({ indicator }) => indicator === 0 || indicator === 0x80) &&
    used.every(({ sectors, first, type }) => sectors > 0 && (first > 0 || type !== PROTECTIVE))
  );
}

/**
 * Whether the sector is the boot sector of NTFS, exFAT or FAT, which may hold values in the place of
 * the records. Source of the parameter block: Microsoft, "FAT: General Overview of On-Disk Format"
 * 1.03, "Boot Sector and BPB".
 */
function isFileSystem(sector: ByteView): boolean {
  if (sector.startsWith('NTFS    ', 3) || sector.startsWith('EXFAT   ', 3)) return true;
  const [sectorSize, perCluster, reserved] = [sector.u16le(11), sector.u8(13), sector.u16le(14)];
  const [fats, media] = [sector.u8(16), sector.u8(21)];
  return (
    [512, 1024, 2048, 4096].includes(sectorSize) &&
    perCluster > 0 &&
    Number.isInteger(Math.log2(perCluster)) &&
    reserved > 0 &&
    (fats === 1 || fats === 2) &&
    (media === 0xf0 || media >= 0xf8)
  );
}

function* judge(used: readonly Record[], size: number): Iterable<Finding> {
  // The one record of a protective MBR covers the disk, or all that 32 bits can count.
  const partitions = used.filter(({ type }) => type !== PROTECTIVE);
  for (const { at, first, sectors } of partitions) {
    const end = (first + sectors) * SECTOR;
    if (end <= size) continue;
    yield finding('partition-table', at, `A partition ends at ${end}, the image at ${size}`);
  }
}
