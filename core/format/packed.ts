import type { ByteView } from './byte-view.js';
import { read, readEnd, type FormatInspector, type Inspecting } from './frame.js';
import { finding } from './rules.js';

/** Streams of one compressed file, told by their first bytes. */
const COMPRESSORS: readonly (readonly [format: string, matches: (start: ByteView) => boolean])[] = [
  // RFC 1952, 2.3.1; 8 is the only method.
  ['gz', (start) => start.startsWith('\x1f\x8b\x08')],
  // "The .xz File Format" 1.2.1, 2.1.1.1
  ['xz', (start) => start.startsWith('\xfd7zXZ\0')],
  // RFC 8878, 3.1.1 and 3.1.2: a frame, or one that is to be skipped before it
  ['zst', (start) => start.u32le(0) === 0xfd2fb528],
  ['bz2', isBzip2],
  // "LZ4 Frame Format" 1.6.3
  ['lz4', (start) => start.u32le(0) === 0x184d2204],
  ['lzma', isLzma],
];

/** Local file header, and the end of an archive that has no members; APPNOTE.TXT 4.3.7, 4.3.16. */
const ZIP_STARTS = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'];
const SEVEN_ZIP = '7z\xbc\xaf\x27\x1c';

/** End of central directory record; APPNOTE.TXT 4.3.16. */
const ZIP_END = 'PK\x05\x06';
const ZIP_END_LENGTH = 22;
const START_READ = 16;

/** Compressed files, which are judged once they are unpacked. */
export const compressed: FormatInspector = { name: 'compressed', inspect: inspectCompressed };

/** Archives whose members are not looked at. */
export const archive: FormatInspector = { name: 'archive', inspect: inspectArchive };

/** ZIP archives behind other data: readers of ZIP start at the end. */
export const appendedZip: FormatInspector = { name: 'zip', inspect: inspectAppendedZip };

function* inspectCompressed(): Inspecting {
  const start = yield* read(0, START_READ);
  const [format] = COMPRESSORS.find(([, matches]) => matches(start)) ?? [];
  if (format === undefined) return undefined;
  return {
    format,
    layer: 'image',
    signatureAt: 0,
    findings: [finding('compressed-data', 0, `The bytes are compressed as "${format}"`)],
    metadata: {},
  };
}

function* inspectArchive(): Inspecting {
  const start = yield* read(0, START_READ);
  const isZip = ZIP_STARTS.some((signature) => start.startsWith(signature));
  if (!isZip && !start.startsWith(SEVEN_ZIP)) return undefined;
  const format = isZip ? 'zip' : '7z';
  return {
    format,
    layer: 'image',
    signatureAt: 0,
    findings: [finding('archive-members', 0, `The bytes are an archive of the format "${format}"`)],
    metadata: {},
  };
}

function* inspectAppendedZip(): Inspecting {
  const start = yield* read(0, START_READ);
  if (ZIP_STARTS.some((signature) => start.startsWith(signature))) return undefined;
  const { view: end } = yield* readEnd(ZIP_END_LENGTH);
  const [directoryLength, directoryAt] = [end.u32le(12), end.u32le(16)];
  const isArchive =
    end.startsWith(ZIP_END) &&
    end.u16le(20) === 0 &&
    end.u16le(8) === end.u16le(10) &&
    end.u16le(8) > 0 &&
    directoryAt + directoryLength <= end.offset;
  if (!isArchive) return undefined;
  return { format: 'zip', layer: 'appended', signatureAt: end.offset, findings: [], metadata: {} };
}

/** After the level comes a block or the end of the stream, each with its own number. */
function isBzip2(start: ByteView): boolean {
  const isLevel = /^BZh[1-9]/.test(start.latin1(0, 4));
  return isLevel && (start.startsWith('1AY&SY', 4) || start.startsWith('\x17rE8P\x90', 4));
}

/** "The .lzma File Format" 1.1, with the tests that XZ Utils makes, as there is no magic. */
function isLzma(start: ByteView): boolean {
  const [properties, dictionary, size] = [start.u8(0), start.u32le(1), start.big64le(5)];
  const isKnownDictionary = [1, 1.5].some((factor) =>
    Number.isInteger(Math.log2(dictionary / factor)),
  );
  const isSize = size === 0xffffffffffffffffn || (size > 0n && size < 1n << 38n);
  const usualProperties = 0x5d;
  return properties === usualProperties && isKnownDictionary && isSize && start.u8(13) === 0;
}
