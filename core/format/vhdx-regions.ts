import type { ByteView } from './byte-view.js';
import { crc32c, withoutField } from './checksum.js';
import { read, type Reading } from './frame.js';
import type { Finding } from './inspection.js';
import { finding, firstOf } from './rules.js';

// Source: [MS-VHDX] 2.2.3 "Region Table": header 0 signature "regi", 4 CRC-32C of 64 KiB, 8 entry
// count; entries of 32 bytes: 0 GUID, 16 file offset (8), 24 length (4), 28 required (bit 0).
const SIGNATURE = 'regi';
const TABLE_OFFSETS = [192 * 1024, 256 * 1024] as const;
const TABLE_LENGTH = 64 * 1024;
const HEADER_LENGTH = 16;
const ENTRY_LENGTH = 32;

/** "This MUST be less than or equal to 2,047". */
const MAX_ENTRIES = 2047;

const BAT = '2dc27766-f623-4200-9d64-115e9bfd4a08';
const METADATA = '8b7ca206-4790-4b9a-b8fe-575f050f886e';

/** "The FileOffset MUST be a multiple of 1 MB and MUST be at least 1 MB". */
const ALIGNMENT = 1024 * 1024;

export type Region = {
  readonly offset: number;
  readonly length: number;
  /** Offset of the entry that says so. */
  readonly entryAt: number;
};

export type Regions = {
  readonly bat: Region | undefined;
  readonly metadata: Region | undefined;
  readonly findings: readonly Finding[];
};

/** Reads the copies of the region table; the first that is valid holds. */
export function* readRegions(): Reading<Regions> {
  const first = yield* read(TABLE_OFFSETS[0], TABLE_LENGTH);
  const parsed = isValid(first) ? parse(first) : undefined;
  const second = yield* read(TABLE_OFFSETS[1], TABLE_LENGTH);
  if (!isValid(second)) return parsed ?? missing(first);
  if (parsed === undefined) return parse(second);
  const differs = !isSame(first, second);
  return { ...parsed, findings: [...parsed.findings, ...(differs ? [differ(second)] : [])] };
}

function missing(first: ByteView): Regions {
  const isCut = first.length < TABLE_LENGTH;
  return {
    bat: undefined,
    metadata: undefined,
    findings: [
      isCut
        ? finding('truncated', TABLE_OFFSETS[0], 'The file ends before its region table')
        : finding('header-checksum', TABLE_OFFSETS[0], 'Neither region table has a valid checksum'),
    ],
  };
}

function isSame(first: ByteView, second: ByteView): boolean {
  return Buffer.from(first.bytes.buffer, first.bytes.byteOffset, first.length).equals(second.bytes);
}

/** Readers take the copy that they like. */
function differ(second: ByteView): Finding {
  return finding(
    'copies-differ',
    second.offset,
    `The region tables at offset ${TABLE_OFFSETS[0]} and ${second.offset} differ`,
  );
}

function isValid(table: ByteView): boolean {
  return (
    table.length === TABLE_LENGTH &&
    table.startsWith(SIGNATURE) &&
    crc32c(withoutField(table.bytes, 4)) === table.u32le(4)
  );
}

function parse(table: ByteView): Regions {
  const known = new Map<string, Region>();
  const findings = [...firstOf(judgeEntries(table, known))];
  for (const [name, guid] of Object.entries({ BAT, metadata: METADATA })) {
    if (known.has(guid)) continue;
    findings.push(finding('header-malformed', table.offset, `The image has no ${name} region`));
  }
  return { bat: known.get(BAT), metadata: known.get(METADATA), findings };
}

/** Judges the entries and gathers the regions that are known. */
function* judgeEntries(table: ByteView, known: Map<string, Region>): Iterable<Finding> {
  const count = table.u32le(8);
  if (count > MAX_ENTRIES) {
    yield finding('header-malformed', table.offset + 8, `The region table has ${count} entries`);
  }
  for (let index = 0; index < Math.min(count, MAX_ENTRIES); index += 1) {
    const at = HEADER_LENGTH + index * ENTRY_LENGTH;
    const guid = table.guid(at);
    const region = {
      offset: table.u64le(at + 16),
      length: table.u32le(at + 24),
      entryAt: table.offset + at,
    };
    if (guid === BAT || guid === METADATA) {
      if (known.has(guid)) {
        yield finding('header-malformed', region.entryAt, `The image has two regions ${guid}`);
      }
      known.set(guid, region);
      yield* judge(region);
    } else if ((table.u32le(at + 28) & 1) !== 0) {
      yield finding(
        'unknown-features',
        region.entryAt,
        `The image needs the unknown region ${guid}`,
      );
    }
  }
}

function* judge({ offset, length, entryAt }: Region): Iterable<Finding> {
  if (offset >= ALIGNMENT && offset % ALIGNMENT === 0 && length % ALIGNMENT === 0) return;
  yield finding(
    'header-malformed',
    entryAt,
    `A region of ${length} bytes is at offset ${BigInt(offset)}, which is not a multiple of 1 MiB`,
  );
}
