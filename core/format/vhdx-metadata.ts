import type { ByteView } from './byte-view.js';
import { MAX_PIECE_LENGTH, read, type Reading } from './frame.js';
import type { Finding } from './inspection.js';
import { finding, firstOf } from './rules.js';
import type { Region } from './vhdx-regions.js';

// Source: [MS-VHDX] 2.6.1 "Metadata Region": a table of 64 KiB, 0 signature "metadata", 10 entry
// count (2); entries of 32 bytes from 32: 0 item GUID, 16 offset in the region (4), 20 length (4),
// 24 flags (bit 2 is "required"). 2.6.2 lists the known items.
const SIGNATURE = 'metadata';
const ENTRIES_AT = 32;
const ENTRY_LENGTH = 32;
const TABLE_LENGTH = 64 * 1024;

/** "This MUST be less than or equal to 2,047". */
const MAX_ENTRIES = 2047;

const FLAG_REQUIRED = 4;

const ITEMS = new Map([
  ['caa16737-fa36-4d43-b3b6-33f0aa44e76b', 'file parameters'],
  ['2fa54224-cd1b-4876-b211-5dbed83bf4b8', 'virtual disk size'],
  ['beca12ab-b2e6-4523-93ef-c309e000c746', 'virtual disk id'],
  ['8141bf1d-a96f-4709-ba47-f233a8faab5f', 'logical sector size'],
  ['cda348c7-445d-4471-9cc9-e9885251c556', 'physical sector size'],
  ['a8d35f2d-b30b-454d-abf7-d3d84834ab0c', 'parent locator'],
]);

/** 2.6.2.1: a power of 2 from 1 MiB to 256 MiB. */
const BLOCK_SIZE = { min: 2 ** 20, max: 2 ** 28 };

/** 2.6.2.2: "MUST be … up to 64 TB". */
export const MAX_VIRTUAL_SIZE = 64 * 2 ** 40;

/** 2.6.2.4 and 2.6.2.5 */
const SECTOR_SIZES = [512, 4096];

const LEAVE_BLOCKS_ALLOCATED = 1;
const HAS_PARENT = 2;

/** What the metadata tells of the disk; `undefined` where it does not. */
export type DiskFacts = {
  readonly findings: readonly Finding[];
  readonly blockSize: number | undefined;
  readonly hasParent: boolean | undefined;
  readonly leavesBlocksAllocated: boolean | undefined;
  readonly virtualSize: number | undefined;
  readonly virtualSizeAt: number;
  readonly logicalSectorSize: number | undefined;
  readonly physicalSectorSize: number | undefined;
  readonly diskId: string | undefined;
  /** Entries that the BAT needs at least. */
  readonly batEntries: number | undefined;
};

type Item = { readonly offset: number; readonly length: number };

/** Reads the table and then the items, which stand behind it in the same region. */
export function* readMetadata(region: Region): Reading<DiskFacts> {
  const table = yield* read(region.offset, TABLE_LENGTH);
  const findings = [...firstOf(judgeTable(table, region))];
  const items = table.startsWith(SIGNATURE) ? itemsOf(table) : new Map<string, Item>();
  const start = Math.min(...[...items.values()].map(({ offset }) => offset));
  const placed = Number.isFinite(start) && start >= TABLE_LENGTH;
  const values = placed
    ? yield* read(region.offset + start, MAX_PIECE_LENGTH)
    : table.slice(table.length, 0);
  const valueOf = (name: string, length: number): ByteView | undefined => {
    const item = items.get(name);
    const value = item && values.slice(item.offset - start, length);
    return value?.length === length ? value : undefined;
  };
  const facts = describe(valueOf);
  return { ...facts, findings: [...findings, ...judge(facts, items, region)] };
}

function* judgeTable(table: ByteView, region: Region): Iterable<Finding> {
  if (!table.startsWith(SIGNATURE)) {
    yield finding(
      table.length < TABLE_LENGTH ? 'outside-file' : 'header-malformed',
      region.entryAt,
      'The metadata region has no metadata table',
    );
    return;
  }
  if (table.u16le(10) > MAX_ENTRIES) {
    yield finding(
      'header-malformed',
      table.offset + 10,
      `The table has ${table.u16le(10)} entries`,
    );
  }
  const seen = new Set<string>();
  for (const at of entries(table)) {
    const guid = table.guid(at);
    const name = ITEMS.get(guid);
    if (name !== undefined) yield* judgeItem(name, seen, table, at, region);
    else if ((table.u32le(at + 24) & FLAG_REQUIRED) !== 0) {
      yield finding(
        'unknown-features',
        table.offset + at,
        `The image needs the unknown metadata item ${guid}`,
      );
    }
  }
}

/** 2.6.1.2: an item stands behind the table in its region, and no two have one identifier. */
function* judgeItem(
  name: string,
  seen: Set<string>,
  table: ByteView,
  at: number,
  region: Region,
): Iterable<Finding> {
  if (seen.has(name)) {
    yield finding('header-malformed', table.offset + at, `The metadata has two items "${name}"`);
  }
  seen.add(name);
  const [offset, length] = [table.u32le(at + 16), table.u32le(at + 20)];
  if (offset >= TABLE_LENGTH && offset + length <= region.length) return;
  yield finding(
    'header-malformed',
    table.offset + at + 16,
    `The item "${name}" of ${length} bytes at ${offset} is not in the metadata region`,
  );
}

function itemsOf(table: ByteView): ReadonlyMap<string, Item> {
  const items = new Map<string, Item>();
  for (const at of entries(table)) {
    const name = ITEMS.get(table.guid(at));
    if (name) items.set(name, { offset: table.u32le(at + 16), length: table.u32le(at + 20) });
  }
  return items;
}

function* entries(table: ByteView): Iterable<number> {
  const count = Math.min(table.u16le(10), MAX_ENTRIES);
  for (let index = 0; index < count; index += 1) yield ENTRIES_AT + index * ENTRY_LENGTH;
}

type Described = Omit<DiskFacts, 'findings'>;

function describe(valueOf: (name: string, length: number) => ByteView | undefined): Described {
  const parameters = valueOf('file parameters', 8);
  const size = valueOf('virtual disk size', 8);
  const [virtualSize, blockSize] = [size?.u64le(0), parameters?.u32le(0)];
  const flags = parameters?.u32le(4);
  const logicalSectorSize = valueOf('logical sector size', 4)?.u32le(0);
  return {
    blockSize,
    hasParent: flags === undefined ? undefined : (flags & HAS_PARENT) !== 0,
    leavesBlocksAllocated: flags === undefined ? undefined : (flags & LEAVE_BLOCKS_ALLOCATED) !== 0,
    virtualSize,
    virtualSizeAt: size?.offset ?? 0,
    logicalSectorSize,
    physicalSectorSize: valueOf('physical sector size', 4)?.u32le(0),
    diskId: valueOf('virtual disk id', 16)?.guid(0),
    batEntries: batEntries(virtualSize, blockSize, logicalSectorSize),
  };
}

/** 2.5: a chunk is 2^23 sectors; between two chunks the BAT has an entry for a bitmap. */
function batEntries(
  virtualSize: number | undefined,
  blockSize: number | undefined,
  sectorSize: number | undefined,
): number | undefined {
  if (!virtualSize || !blockSize || !sectorSize) return undefined;
  const blocks = Math.ceil(virtualSize / blockSize);
  return blocks + Math.floor((blocks - 1) / Math.max(1, (2 ** 23 * sectorSize) / blockSize));
}

function* judge(
  facts: Described,
  items: ReadonlyMap<string, Item>,
  { entryAt: at }: Region,
): Iterable<Finding> {
  const { blockSize, virtualSize, logicalSectorSize } = facts;
  if (facts.hasParent === true || items.has('parent locator')) {
    yield finding('parent-image', at, 'The image has a parent');
  }
  if (blockSize === undefined || virtualSize === undefined || logicalSectorSize === undefined) {
    yield finding(
      'header-malformed',
      at,
      'The metadata lacks the block size, the virtual size or the sector size',
    );
    return;
  }
  if (
    blockSize < BLOCK_SIZE.min ||
    blockSize > BLOCK_SIZE.max ||
    !Number.isInteger(Math.log2(blockSize))
  ) {
    yield finding('header-malformed', at, `The block size is ${blockSize} bytes`);
  }
  const { physicalSectorSize = 512 } = facts;
  if (!SECTOR_SIZES.includes(physicalSectorSize)) {
    yield finding(
      'header-malformed',
      at,
      `The physical sector size is ${physicalSectorSize} bytes`,
    );
  }
  if (!SECTOR_SIZES.includes(logicalSectorSize)) {
    yield finding('header-malformed', at, `The logical sector size is ${logicalSectorSize} bytes`);
  } else if (virtualSize > MAX_VIRTUAL_SIZE) {
    yield finding(
      'virtual-size-limit',
      facts.virtualSizeAt,
      `The virtual size is ${BigInt(virtualSize)} bytes, the limit of the format is ${MAX_VIRTUAL_SIZE}`,
    );
  } else if (virtualSize % logicalSectorSize !== 0) {
    yield finding(
      'header-malformed',
      facts.virtualSizeAt,
      `The virtual size ${virtualSize} is no multiple of the sector size ${logicalSectorSize}`,
    );
  }
}
