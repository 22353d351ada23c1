import { printable, type ByteView } from './byte-view.js';

// Source: VMware, "Virtual Disk Format 5.0" technical note, "The Descriptor File": lines of
// `key = value`, extents as `access sectors type "file" offset`, and the disk data base (`ddb.*`).

/** The longest descriptor that is read; VMware reserves 20 sectors, QEMU reads as many. */
export const MAX_DESCRIPTOR_LENGTH = 64 * 1024;

/** Some writers put an access word behind the count, too. */
const EXTENT =
  /^(?:RW|RDONLY|NOACCESS)[ \t\v\f]+(\d+)(?:[ \t\v\f]+(?:RW|RDONLY|NOACCESS))?[ \t\v\f]+(\w+)(?:[ \t\v\f]+"([^"]*)"?)?/i;

/** Keys, in lower case, since VMware does not tell cases apart. Others are not kept. */
const KEYS = ['createtype', 'cid', 'parentcid', 'parentfilenamehint'] as const;
type Key = (typeof KEYS)[number];

/** Readers search these in the whole text and take the first, wherever it stands. */
const SEARCHED = ['createtype', 'parentcid', 'parentfilenamehint'] as const;

const SPACES = ' \t\v\f';

const MAX_KEPT_EXTENTS = 8;
const MAX_DATABASE_ENTRIES = 64;

export type Descriptor = {
  /** Offset of the text in the stream. */
  readonly offset: number;
  /** The first few of them. */
  readonly extents: readonly Extent[];
  readonly extentCount: number;
  /** Sectors of all extents together. */
  readonly sectors: number;
  readonly entries: ReadonlyMap<Key, string>;
  /** Entries of the disk data base, without their prefix. */
  readonly database: ReadonlyMap<string, string>;
  /** The text names a parent anywhere: QEMU searches it without regard to lines. */
  readonly hasParentHint: boolean;
  /** A key that the text mentions with two values, so that readers differ. */
  readonly contradiction: string | undefined;
  /** A line that is no comment, entry or extent. */
  readonly strayLine: string | undefined;
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
  if (!/^[\s#v]/i.test(start.latin1(0, 4))) return false;
  let isFirst = true;
  // QEMU probes behind a NUL, too.
  for (const line of linesOf(start.latin1())) {
    if (line === '') continue;
    if (isFirst && /^# ?disk descriptor ?file/i.test(line)) return true;
    isFirst = false;
    if (!line.startsWith('#')) return /^version\s*=\s*"?\d+"?$/i.test(line);
  }
  return false;
}

/** Reads a descriptor, which ends at the first NUL. Keeps little, however long the text is. */
export function parseDescriptor(view: ByteView): Descriptor {
  const text = textOf(view);
  const extents: Extent[] = [];
  const entries = new Map<Key, string>();
  const database = new Map<string, string>();
  let [extentCount, sectors] = [0, 0];
  let strayLine: string | undefined;
  for (const line of linesOf(text)) {
    if (line === '' || line.startsWith('#')) continue;
    const extent = extentOf(line);
    const entry = extent ? undefined : entryOf(line);
    if (extent) {
      extentCount += 1;
      sectors += extent.sectors;
      if (extents.length < MAX_KEPT_EXTENTS) extents.push(extent);
    } else if (entry) {
      keep(entry, entries, database);
    } else {
      strayLine ??= printable(line);
    }
  }
  return {
    offset: view.offset,
    extents,
    extentCount,
    sectors,
    entries,
    database,
    hasParentHint: namesParent(view),
    contradiction: SEARCHED.find((key) => isContradicted(text, key)),
    strayLine,
  };
}

/** Whether the text mentions a parent file. */
export function namesParent(view: ByteView): boolean {
  return textOf(view).toLowerCase().includes('parentfilenamehint');
}

function extentOf(line: string): Extent | undefined {
  const [found, sectors, type = '', file] = EXTENT.exec(line) ?? [];
  return found === undefined ? undefined : { sectors: Number(sectors), type, file };
}

/** Key and value of a line. No pattern does this, since a hostile line makes some quadratic. */
function entryOf(line: string): readonly [key: string, value: string] | undefined {
  const equals = line.indexOf('=');
  const key = trimmed(line.slice(0, Math.max(equals, 0)));
  if (!/^[\w.]+$/.test(key)) return undefined;
  return [key, printable(line.slice(equals + 1).replaceAll('"', ''))];
}

function keep(
  [key, value]: readonly [key: string, value: string],
  entries: Map<Key, string>,
  database: Map<string, string>,
): void {
  const lower = key.toLowerCase();
  const known = KEYS.find((name) => name === lower);
  if (known) entries.set(known, value);
  else if (lower.startsWith('ddb.') && database.size < MAX_DATABASE_ENTRIES) {
    database.set(printable(key.slice('ddb.'.length)), value);
  }
}

function isContradicted(text: string, key: string): boolean {
  let first: string | undefined;
  for (const [, value = ''] of text.matchAll(new RegExp(`${key}\\s*=\\s*"?([^"\\r\\n]*)`, 'gi'))) {
    const told = value.trim().toLowerCase();
    first ??= told;
    if (told !== first) return true;
  }
  return false;
}

function* linesOf(text: string): Iterable<string> {
  for (let start = 0; start <= text.length;) {
    const found = text.slice(start).search(/[\r\n]/);
    const end = found < 0 ? text.length : start + found;
    yield trimmed(text.slice(start, end));
    start = end + 1;
  }
}

/** Without the spaces that readers in C skip: a byte order mark or a wide space is no space to them. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && SPACES.includes(text.charAt(start))) start += 1;
  while (end > start && SPACES.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function textOf({ bytes }: ByteView): string {
  const nul = bytes.indexOf(0);
  return Buffer.from(nul < 0 ? bytes : bytes.subarray(0, nul)).toString('utf8');
}
