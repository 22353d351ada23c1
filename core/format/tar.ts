import type { ByteView } from './byte-view.js';
import {
  MAX_PIECE_LENGTH,
  read,
  type FormatInspector,
  type Inspecting,
  type Reading,
} from './frame.js';
import { Contents } from './archive-contents.js';
import type { Finding } from './inspection.js';
import { judgeName } from './member-name.js';
import { judgePackage } from './ova.js';
import { finding } from './rules.js';
import { BLOCK, paxOverrides, tarHeader, textOf, type TarHeader } from './tar-header.js';

/** Members that are looked at; packages of virtual machines have a few. */
const MAX_MEMBERS = 64;

/** Types of members: files, folders, long names, extended headers. */
const FILES: ReadonlySet<string> = new Set(['0', '\0', '7']);
const FOLDER = '5';
const LONG_NAME = 'L';
const LONG_LINK = 'K';
const PAX = 'x';
const PAX_GLOBAL = 'g';
const MAX_NAME_RECORD = 8 * 1024;

/**
 * Archives of tar; `ova` where a member is an OVF descriptor (DSP0243 2.1, section 5.2). Its other
 * members are inspected by `formats`, one after the other.
 */
export function tarOf(formats: readonly FormatInspector[]): FormatInspector {
  return { name: 'tar', inspect: () => inspect(formats) };
}

function* inspect(formats: readonly FormatInspector[]): Inspecting {
  const first = tarHeader(yield* read(0, BLOCK));
  if (first === undefined) return undefined;
  const contents = new Contents(formats);
  yield* walk(contents);
  const signatureAt = first.isUstar ? 257 : 0;
  if (contents.descriptors.length > 0) return judgePackage(contents, signatureAt);
  return {
    format: 'tar',
    layer: 'image',
    signatureAt,
    findings: [finding('archive-members', 0, 'The bytes are an archive of the format "tar"')],
    metadata: {},
  };
}

/** Goes from header to header up to the end of the archive, or to what cannot be gone beyond. */
function* walk(contents: Contents): Reading<void> {
  const { findings } = contents;
  let named: { readonly path?: string; readonly size?: number } = {};
  let at = 0;
  for (;;) {
    const block = yield* read(at, BLOCK);
    if (block.length < BLOCK) {
      findings.push(finding('truncated', at, 'The archive ends without an end mark'));
      return;
    }
    if (block.isZero()) return;
    const header = tarHeader(block);
    const size = named.size ?? header?.size ?? NaN;
    if (header === undefined || !Number.isSafeInteger(size)) {
      findings.push(finding('header-malformed', at, 'The header of a member cannot be read'));
      return;
    }
    const start = at + BLOCK;
    const member: Entry = { header, name: named.path ?? header.name, start, size };
    named = {};
    if ([LONG_NAME, LONG_LINK, PAX, PAX_GLOBAL].includes(header.type)) {
      const record = yield* read(start, Math.min(size, MAX_NAME_RECORD));
      if (record.length < size) {
        findings.push(finding('header-malformed', at, 'The name of a member is too long'));
        return;
      }
      named = namesOf(header.type, record);
    } else if (contents.members.length === MAX_MEMBERS) {
      findings.push(finding('archive-members', at, `There are more than ${MAX_MEMBERS} members`));
      return;
    } else {
      findings.push(...judgeName(member.name, at), ...judgeType(member, at));
      if (FILES.has(header.type)) {
        const taker = contents.take(member.name, start, size);
        const end = yield* readMember(member, ({ bytes }) => {
          taker.push(bytes);
        });
        taker.finish();
        if (end < start + size) {
          const message = `The archive ends inside a member of ${size} bytes`;
          findings.push(finding('truncated', end, message));
          return;
        }
      }
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}

type Entry = {
  readonly header: TarHeader;
  readonly name: string;
  readonly start: number;
  readonly size: number;
};

/** Shows a member's bytes and answers where they end. */
function* readMember({ start, size }: Entry, show: (piece: ByteView) => void): Reading<number> {
  let at = start;
  while (at < start + size) {
    const wanted = Math.min(MAX_PIECE_LENGTH, start + size - at);
    const piece = yield* read(at, wanted);
    show(piece);
    at += piece.length;
    if (piece.length < wanted) break;
  }
  return at;
}

function namesOf(type: string, { bytes }: ByteView): ReturnType<typeof paxOverrides> {
  if (type === LONG_NAME) return { path: textOf(bytes) };
  return type === PAX ? paxOverrides(bytes) : {};
}

function judgeType({ header: { type }, name }: Entry, offset: number): readonly Finding[] {
  if (FILES.has(type) || type === FOLDER) return [];
  return [
    finding('member-type', offset, `The member ${JSON.stringify(name)} is of the type "${type}"`),
  ];
}
