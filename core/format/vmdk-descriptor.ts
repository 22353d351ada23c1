import type { JsonObject } from '../base/json.js';
import { printable, quoted, type ByteView } from './byte-view.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';
import { SECTOR } from './sector.js';

// Source: VMware, "Virtual Disk Format 5.0" technical note, "The Descriptor File": lines of
// `key = value`, extents as `access sectors type "file" offset`, and the disk data base (`ddb.*`).

/** The longest descriptor that is read; VMware reserves 20 sectors, QEMU reads as many. */
export const MAX_DESCRIPTOR_LENGTH = 64 * 1024;

/** createTypes that are complete in one file. */
export const ONE_FILE_TYPES: ReadonlySet<string> = new Set(['monolithicSparse', 'streamOptimized']);

/** createTypes that VMware and QEMU know; others are not repeated as a subformat. */
const KNOWN_TYPES = new Set([
  ...ONE_FILE_TYPES,
  'monolithicFlat',
  'twoGbMaxExtentSparse',
  'twoGbMaxExtentFlat',
  'fullDevice',
  'partitionedDevice',
  'vmfs',
  'vmfsThin',
  'vmfsEagerZeroedThick',
  'vmfsPreallocated',
  'vmfsSparse',
  'vmfsRaw',
  'vmfsRawDeviceMap',
  'vmfsPassthroughRawDeviceMap',
  'seSparse',
  'vsanSparse',
  '2GbMaxExtentSparse',
  '2GbMaxExtentFlat',
  'custom',
]);

const NO_PARENT = 'ffffffff';
const PARENT_HINT = 'parentfilenamehint';
/** Some writers put an access word behind the count, too. */
const EXTENT =
  /^(?:RW|RDONLY|NOACCESS)\s+(\d+)(?:\s+(?:RW|RDONLY|NOACCESS))?\s+(\w+)(?:\s+"([^"]*)"?)?/i;
const MAX_NAMED_EXTENTS = 8;
const MAX_DATABASE_ENTRIES = 64;

export type Descriptor = {
  /** Offset of the text in the stream. */
  readonly offset: number;
  readonly extents: readonly Extent[];
  /** Keys are in lower case, since VMware does not tell cases apart. */
  readonly entries: ReadonlyMap<string, string>;
  /** Entries of the disk data base, without their prefix. */
  readonly database: ReadonlyMap<string, string>;
  /** The text names a parent anywhere: QEMU searches it without regard to lines. */
  readonly hasParentHint: boolean;
};

type Extent = {
  readonly sectors: number;
  readonly type: string;
  readonly file: string | undefined;
};

/**
 * Whether the bytes begin with a descriptor: by its first comment, or as QEMU probes, by a version
 * after any lines of comments and spaces.
 */
export function isDescriptor(start: ByteView): boolean {
  if (!/^(?:\xef\xbb\xbf)?[\s#v]/i.test(start.latin1(0, 4))) return false;
  // QEMU probes behind a NUL, too.
  const lines = linesOf(start.latin1());
  const first = lines.find((line) => line !== '' && !line.startsWith('#'));
  return (
    (first !== undefined && /^version\s*=\s*"?\d+"?$/i.test(first)) ||
    /^# ?disk descriptor ?file/i.test(lines.find((line) => line !== '') ?? '')
  );
}

/** Reads a descriptor, which ends at the first NUL. */
export function parseDescriptor(text: ByteView): Descriptor {
  const extents: Extent[] = [];
  const entries = new Map<string, string>();
  const database = new Map<string, string>();
  for (const line of linesOf(textOf(text))) {
    const extent = EXTENT.exec(line);
    const entry = entryOf(line);
    if (extent) {
      extents.push({ sectors: Number(extent[1]), type: extent[2] ?? '', file: extent[3] });
    } else if (entry) {
      const [key, value] = entry;
      const lower = key.toLowerCase();
      if (!lower.startsWith('ddb.')) entries.set(lower, value);
      else if (database.size < MAX_DATABASE_ENTRIES) {
        database.set(printable(key.slice('ddb.'.length)), value);
      }
    }
  }
  const hasParentHint = namesParent(text);
  return { offset: text.offset, extents, entries, database, hasParentHint };
}

/** Whether the text mentions a parent file. */
export function namesParent(text: ByteView): boolean {
  return textOf(text).toLowerCase().includes(PARENT_HINT);
}

/** Bytes that all extents together show the guest. */
export function descriptorSize({ extents }: Descriptor): number {
  return extents.reduce((sum, { sectors }) => sum + sectors * SECTOR, 0);
}

/** The createType, if it is one that is known. */
export function createType({ entries }: Descriptor): string | undefined {
  const told = entries.get('createtype')?.toLowerCase();
  return [...KNOWN_TYPES].find((type) => type.toLowerCase() === told);
}

/**
 * Judges what a descriptor refers to. One that is `embedded` in a sparse extent describes that
 * extent; every extent of one that is `alone` is another file.
 */
export function* judgeReferences(
  descriptor: Descriptor,
  place: 'embedded' | 'alone',
): Iterable<Finding> {
  const { offset, entries, extents } = descriptor;
  const type = createType(descriptor);
  if (type === undefined || !ONE_FILE_TYPES.has(type)) {
    yield finding(
      'create-type',
      offset,
      `The createType is ${quoted(entries.get('createtype') ?? '')}`,
    );
  }
  const parent = entries.get('parentcid')?.toLowerCase();
  if (descriptor.hasParentHint) {
    const name = quoted(entries.get(PARENT_HINT) ?? '');
    yield finding('parent-image', offset, `The image has the parent file ${name}`);
  } else if (parent !== undefined && parent !== NO_PARENT) {
    yield finding('parent-image', offset, `The image has the parent ${quoted(parent)}`);
  }
  const hasOwn = place === 'embedded' && extents.length === 1;
  const foreign = extents.filter((extent) => !hasOwn || !isSparse(extent));
  for (const { file, type: kind } of foreign.slice(0, MAX_NAMED_EXTENTS)) {
    yield finding(
      'external-extents',
      offset,
      `The ${printable(kind)} extent ${quoted(file ?? '')} is not in the image`,
    );
  }
  if (foreign.length > MAX_NAMED_EXTENTS) {
    yield finding('external-extents', offset, `${foreign.length} extents are not in the image`);
  }
}

/** The metadata that a descriptor tells. */
export function describeDescriptor(descriptor: Descriptor): JsonObject {
  const { entries, database, extents } = descriptor;
  return {
    create_type: createType(descriptor) ?? entries.get('createtype'),
    cid: entries.get('cid'),
    parent_cid: entries.get('parentcid'),
    parent_file: entries.get(PARENT_HINT),
    adapter_type: database.get('adapterType'),
    hw_version: database.get('virtualHWVersion'),
    extent_count: extents.length,
    ddb: Object.fromEntries(database),
  };
}

function isSparse({ type }: Extent): boolean {
  return type.toUpperCase() === 'SPARSE';
}

/** Key and value of a line. No pattern does this, since a hostile line makes some quadratic. */
function entryOf(line: string): readonly [key: string, value: string] | undefined {
  const equals = line.indexOf('=');
  const key = line.slice(0, Math.max(equals, 0)).trim();
  if (!/^[\w.]+$/.test(key)) return undefined;
  return [key, printable(line.slice(equals + 1).replaceAll('"', ''))];
}

function linesOf(text: string): readonly string[] {
  return text.split(/\r\n|\r|\n/).map((line) => line.trim());
}

function textOf(text: ByteView): string {
  const { bytes } = text;
  const nul = bytes.indexOf(0);
  return Buffer.from(nul < 0 ? bytes : bytes.subarray(0, nul)).toString('utf8');
}
