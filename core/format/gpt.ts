import type { ByteView } from './byte-view.js';
import { crc32, withoutField } from './checksum.js';
import { MAX_PIECE_LENGTH, read, readEnd, TAIL_LENGTH } from './frame.js';
import type { FormatInspector, Inspecting, Verdict } from './frame.js';
import type { Finding } from './inspection.js';
import { hasBootSignature } from './mbr.js';
import { finding } from './rules.js';

// Source: UEFI Specification 2.10, 5.3.2 "GPT Header"; all fields are little-endian.
//
//  offset size                            offset size
//       0    8  "EFI PART"                    40    8  first usable LBA
//       8    4  revision                      48    8  last usable LBA
//      12    4  header length                 56   16  disk GUID
//      16    4  CRC-32 of the header          72    8  LBA of the entries
//      24    8  LBA of this header            80    4  entries
//      32    8  LBA of the other header       84    4  length of an entry
//                                             88    4  CRC-32 of the entries
const SIGNATURE = 'EFI PART';
const MIN_HEADER_LENGTH = 92;
const SECTOR_SIZES = [512, 4096] as const;
const MIN_ENTRY_LENGTH = 128;
const PRIMARY_LBA = 1;

/** Partition tables of UEFI; read from the backup at the end where the one at the start is damaged. */
export const gpt: FormatInspector = { name: 'gpt', inspect };

type Table = { readonly header: ByteView; readonly sectorSize: number };

function* inspect(): Inspecting {
  const boot = yield* read(0, 512);
  const small = yield* read(512, 512);
  const large = yield* read(4096, 512);
  const primary = [
    { header: small, sectorSize: 512 },
    // A sector of a small guest cluster can stand here in other formats: without MBR it is no table.
    ...(hasBootSignature(boot) ? [{ header: large, sectorSize: 4096 }] : []),
  ].find(({ header }) => isValid(header) && header.u64le(24) === PRIMARY_LBA);
  const entries = primary ? yield* read(...entriesOf(primary)) : undefined;
  const { view: tail, size } = yield* readEnd(TAIL_LENGTH);
  if (primary && entries) {
    const findings = [...judge(primary, entries, size)];
    return verdict(primary, entries, findings, 'partition-table');
  }
  return inspectBackup(tail);
}

/** The backup is the guest's last sector, which may end other formats by chance: it tells metadata. */
function inspectBackup(tail: ByteView): Verdict | undefined {
  for (const sectorSize of SECTOR_SIZES) {
    const header = tail.slice(tail.length - sectorSize, sectorSize);
    const lba = header.u64le(24);
    if (!isValid(header) || lba * sectorSize !== header.offset) continue;
    const table = { header, sectorSize };
    const [entriesAt, length] = entriesOf(table);
    const entries = tail.slice(entriesAt - tail.offset, length);
    const damaged = finding(
      'partition-table',
      sectorSize,
      'The primary GPT header is missing or damaged, the backup at the end is whole',
    );
    return verdict(table, entries, [damaged], 'partition-backup');
  }
  return undefined;
}

function isValid(header: ByteView): boolean {
  const length = header.u32le(12);
  return (
    header.startsWith(SIGNATURE) &&
    length >= MIN_HEADER_LENGTH &&
    length <= header.length &&
    crc32(withoutField(header.slice(0, length).bytes, 16)) === header.u32le(16)
  );
}

function entriesOf({ header, sectorSize }: Table): [offset: number, length: number] {
  const length = header.u32le(80) * header.u32le(84);
  return [header.u64le(72) * sectorSize, Math.min(length, MAX_PIECE_LENGTH)];
}

function* judge({ header, sectorSize }: Table, entries: ByteView, size: number): Iterable<Finding> {
  const [count, entryLength] = [header.u32le(80), header.u32le(84)];
  const at = header.offset;
  if (entryLength < MIN_ENTRY_LENGTH || count * entryLength > MAX_PIECE_LENGTH) {
    yield finding(
      'partition-table',
      at + 80,
      `The GPT has ${count} entries of ${entryLength} bytes`,
    );
  } else if (entries.length < count * entryLength || crc32(entries.bytes) !== header.u32le(88)) {
    yield finding('partition-table', at + 88, 'The entries of the GPT do not match their checksum');
  }
  const backupEnd = (header.u64le(32) + 1) * sectorSize;
  if (backupEnd > size) {
    yield finding(
      'partition-table',
      at + 32,
      `The GPT is for a disk of ${BigInt(backupEnd)} bytes, the image has ${size}`,
    );
  }
}

function verdict(
  table: Table,
  entries: ByteView,
  findings: readonly Finding[],
  layer: Verdict['layer'],
): Verdict {
  return {
    format: 'gpt',
    layer,
    signatureAt: table.header.offset,
    subformat: 'gpt',
    findings,
    metadata: {
      partition_table: 'gpt',
      partition_count: countUsed(entries, table.header.u32le(84)),
      disk_guid: table.header.guid(56),
      sector_size: table.sectorSize,
    },
  };
}

/** 5.3.3: an entry whose type GUID is zero is not used. */
function countUsed(entries: ByteView, entryLength: number): number {
  let used = 0;
  if (entryLength < MIN_ENTRY_LENGTH) return used;
  for (let at = 0; at + entryLength <= entries.length; at += entryLength) {
    if (!entries.isZero(at, 16)) used += 1;
  }
  return used;
}
