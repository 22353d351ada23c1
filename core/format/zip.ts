import { printable, quoted, type ByteView } from './byte-view.js';
import {
  MAX_PIECE_LENGTH,
  read,
  readEnd,
  TAIL_LENGTH,
  type FormatInspector,
  type Inspecting,
} from './frame.js';
import type { Finding } from './inspection.js';
import { judgeName } from './member-name.js';
import { finding } from './rules.js';
import {
  directoryEntry,
  END_LENGTH,
  endRecords,
  LOCAL_LENGTH,
  localEntry,
  localLength,
  type DirectoryEntry,
  type EndRecord,
  type Entry,
} from './zip-directory.js';

/** Local header, end of an archive without members, marker of a split one; APPNOTE.TXT 4.3.7, 4.3.16, 8.5. */
const STARTS = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'];

/** General purpose flags: encrypted, sizes behind the data, strongly encrypted, masked. */
const ENCRYPTED = 0x2041;
const DESCRIPTOR = 0x8;
/** Bits that change how the bytes are read. */
const TELLING_FLAGS = ENCRYPTED | DESCRIPTOR;
/**
 * Lengths of the data descriptor: with and without signature, of 32 and 64 bits. Info-ZIP leaves the
 * flag where it could go back to the header and write none.
 */
const DESCRIPTOR_LENGTHS: ReadonlySet<number> = new Set([0, 12, 16, 20, 24]);

const METHODS: Readonly<Record<number, string>> = { 0: 'stored', 8: 'deflate' };

/** File types of `st_mode` with plain bytes; `zip -` tells that its input was a pipe. */
const TYPE_MASK = 0xf000;
const [REGULAR, PIPE] = [0x8000, 0x1000];

/** ZIP archives: those of one plain file, read the same from either end, are safe to unpack. */
export const zip: FormatInspector = { name: 'zip', inspect };

/** ZIP archives behind other data: readers of ZIP start at the end. */
export const appendedZip: FormatInspector = { name: 'appended-zip', inspect: inspectAppended };

function* inspect(): Inspecting {
  const start = yield* read(0, LOCAL_LENGTH);
  if (!STARTS.some((signature) => start.startsWith(signature))) return undefined;
  const local = localEntry(yield* read(0, Math.min(localLength(start), MAX_PIECE_LENGTH)));
  const { view: end, size } = yield* readEnd(TAIL_LENGTH);
  const member = local && oneMember(end, local);
  const dataAt = local?.length ?? 0;
  return {
    format: 'zip',
    layer: 'image',
    signatureAt: 0,
    findings: findings(end, size, local),
    metadata:
      member === undefined
        ? {}
        : {
            member_name: printable(Buffer.from(member.name, 'latin1').toString('utf8')),
            member_method: METHODS[member.method] ?? `${member.method}`,
            member_offset: dataAt,
            member_packed_size: member.packedSize,
            member_size: member.size,
            member_crc32: member.crc32.toString(16).padStart(8, '0'),
          },
  };
}

function oneMember(end: ByteView, local: Entry): DirectoryEntry | undefined {
  const [record] = endRecords(end);
  const member = record && entryOf(end, record);
  const sizes = member && [member.packedSize, member.size, local.length];
  return record?.entries === 1 && sizes?.every(Number.isSafeInteger) ? member : undefined;
}

function entryOf(end: ByteView, { directoryAt }: EndRecord): DirectoryEntry | undefined {
  return directoryAt < end.offset
    ? undefined
    : directoryEntry(end.slice(directoryAt - end.offset, end.length));
}

function findings(end: ByteView, size: number, local: Entry | undefined): readonly Finding[] {
  const [record, ...others] = endRecords(end);
  if (record === undefined) {
    return [finding('truncated', size, 'The archive has no end of its directory')];
  }
  if (others.length > 0 || record.isContradicted) {
    return [finding('ambiguous-archive', record.offset, 'The archive has two ends that differ')];
  }
  if (record.isSplit) {
    return [finding('unknown-features', record.offset, 'The archive is split into parts')];
  }
  if (record.entries !== 1) {
    const message = `The archive holds ${record.entries} members`;
    return [finding('member-count', record.offset, message)];
  }
  const member = entryOf(end, record);
  if (member === undefined || local === undefined) {
    const message = `The directory is not at ${record.directoryAt}, or its one entry is too long`;
    return [finding('header-malformed', record.offset, message)];
  }
  return [
    ...judgeName(member.name, member.offset),
    ...judgeType(member),
    ...judgeFeatures(member),
    ...judgeCopies(member, local),
    ...judgeLayout(member, local, record),
  ];
}

function judgeType({ name, unixMode, isDosDirectory, offset }: DirectoryEntry): readonly Finding[] {
  const type = unixMode & TYPE_MASK;
  const isPlain = type === 0 || type === REGULAR || type === PIPE;
  const isFile = isPlain && !isDosDirectory && !name.endsWith('/');
  if (isFile) return [];
  return [finding('member-type', offset, `The member ${quoted(name)} is no plain file`)];
}

function judgeFeatures({ flags, method, offset }: DirectoryEntry): readonly Finding[] {
  return [
    ...((flags & ENCRYPTED) === 0
      ? []
      : [finding('unknown-features', offset + 8, 'The member is encrypted')]),
    ...(method in METHODS
      ? []
      : [
          finding('unknown-features', offset + 10, `The compression method ${method} is not known`),
        ]),
  ];
}

/** A reader that goes by the local header must see what one that goes by the directory sees. */
function judgeCopies(member: DirectoryEntry, local: Entry): readonly Finding[] {
  const isDescribed = (local.flags & DESCRIPTOR) !== 0;
  const differs = (key: 'crc32' | 'packedSize' | 'size'): boolean =>
    local[key] !== member[key] && !(isDescribed && local[key] === 0);
  const different = [
    ...(local.name === member.name ? [] : ['name']),
    ...(local.method === member.method ? [] : ['method']),
    ...((local.flags & TELLING_FLAGS) === (member.flags & TELLING_FLAGS) ? [] : ['flags']),
    ...(['crc32', 'packedSize', 'size'] as const).filter(differs),
    ...(member.method === 0 && member.packedSize !== member.size ? ['sizes of stored data'] : []),
  ];
  if (different.length === 0) return [];
  const message = `Local header and directory disagree: ${different.join(', ')}`;
  return [finding('copies-differ', local.offset, message)];
}

/** Header, data and directory lie one behind the other, without a gap or an overlap. */
function judgeLayout(member: DirectoryEntry, local: Entry, record: EndRecord): readonly Finding[] {
  const gap = record.directoryAt - (local.length + member.packedSize);
  const isDescribed = (member.flags & DESCRIPTOR) !== 0;
  const isGapRight = isDescribed ? DESCRIPTOR_LENGTHS.has(gap) : gap === 0;
  const directoryEnd = record.directoryAt + record.directoryLength;
  const isRight =
    member.localAt === 0 &&
    isGapRight &&
    member.length === record.directoryLength &&
    directoryEnd === record.startsAt;
  if (isRight) return [];
  const message = `The member and the directory do not fill the archive: data ends at ${local.length + member.packedSize}, the directory is from ${record.directoryAt} to ${directoryEnd}`;
  return [finding('ambiguous-archive', member.offset, message)];
}

function* inspectAppended(): Inspecting {
  const start = yield* read(0, LOCAL_LENGTH);
  if (STARTS.some((signature) => start.startsWith(signature))) return undefined;
  const { view: end } = yield* readEnd(END_LENGTH);
  const [directoryLength, directoryAt] = [end.u32le(12), end.u32le(16)];
  const isArchive =
    endRecords(end).length === 1 &&
    end.u16le(20) === 0 &&
    end.u16le(8) === end.u16le(10) &&
    end.u16le(8) > 0 &&
    directoryAt + directoryLength <= end.offset;
  if (!isArchive) return undefined;
  return { format: 'zip', layer: 'appended', signatureAt: end.offset, findings: [], metadata: {} };
}
