import type { ByteView } from './byte-view.js';
import { crc32 } from './checksum.js';
import { read, readEnd, type FormatInspector, type Inspecting, type Reading } from './frame.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';

type Compressor = {
  readonly format: string;
  readonly matches: (start: ByteView) => boolean;
  /** What beginning and end of the file show of damage. */
  readonly judge?: (start: ByteView) => Reading<readonly Finding[]>;
};

/** Streams of one compressed file, told by their first bytes. */
const COMPRESSORS: readonly Compressor[] = [
  // RFC 1952, 2.3.1; 8 is the only method.
  { format: 'gz', matches: (start) => start.startsWith('\x1f\x8b\x08'), judge: judgeGzip },
  // "The .xz File Format" 1.2.1, 2.1.1.1
  { format: 'xz', matches: (start) => start.startsWith('\xfd7zXZ\0'), judge: judgeXz },
  // RFC 8878, 3.1.1
  { format: 'zst', matches: (start) => start.u32le(0) === 0xfd2fb528 },
  { format: 'bz2', matches: isBzip2 },
  // "LZ4 Frame Format" 1.6.3
  { format: 'lz4', matches: (start) => start.u32le(0) === 0x184d2204 },
  { format: 'lzma', matches: isLzma },
];

const SEVEN_ZIP = '7z\xbc\xaf\x27\x1c';
const START_READ = 16;

/** RFC 1952: flags that are reserved, and the shortest member: header, one block, trailer. */
const GZIP_RESERVED_FLAGS = 0xe0;
const GZIP_SHORTEST = 20;

/** Stream header: magic (6), flags (2), their CRC32 (4). Footer: … flags (2), "YZ". */
const XZ_FOOTER_MAGIC = 'YZ';
/** Stream Padding is null bytes; what is longer than this is not looked through. */
const XZ_LONGEST_PADDING = 1024;

/** Compressed files, which are judged once they are unpacked. */
export const compressed: FormatInspector = { name: 'compressed', inspect: inspectCompressed };

/** Archives whose members are not looked at. */
export const sevenZip: FormatInspector = { name: '7z', inspect: inspectSevenZip };

function* inspectCompressed(): Inspecting {
  const start = yield* read(0, START_READ);
  const compressor = COMPRESSORS.find(({ matches }) => matches(start));
  if (compressor === undefined) return undefined;
  const { format, judge } = compressor;
  return {
    format,
    layer: 'image',
    signatureAt: 0,
    findings: [
      finding('compressed-data', 0, `The bytes are compressed as "${format}"`),
      ...(judge === undefined ? [] : yield* judge(start)),
    ],
    metadata: {},
  };
}

function* inspectSevenZip(): Inspecting {
  const start = yield* read(0, START_READ);
  if (!start.startsWith(SEVEN_ZIP)) return undefined;
  return {
    format: '7z',
    layer: 'image',
    signatureAt: 0,
    findings: [finding('archive-members', 0, 'The bytes are an archive of the format "7z"')],
    metadata: {},
  };
}

function* judgeGzip(start: ByteView): Reading<readonly Finding[]> {
  const { size } = yield* readEnd(0);
  const flags = start.u8(3);
  return [
    ...((flags & GZIP_RESERVED_FLAGS) === 0
      ? []
      : [finding('header-malformed', 3, `The flags ${flags} have bits that are reserved`)]),
    ...(size >= GZIP_SHORTEST
      ? []
      : [finding('truncated', size, `The file has ${size} bytes, the shortest ${GZIP_SHORTEST}`)]),
  ];
}

function* judgeXz(start: ByteView): Reading<readonly Finding[]> {
  const { view: end, size } = yield* readEnd(XZ_LONGEST_PADDING);
  const isFlagsRight = crc32(start.slice(6, 2).bytes) === start.u32le(8);
  const padding = end.length - (end.bytes.findLastIndex((byte) => byte !== 0) + 1);
  const isClosed =
    padding === end.length || end.startsWith(XZ_FOOTER_MAGIC, end.length - padding - 2);
  return [
    ...(isFlagsRight
      ? []
      : [finding('header-checksum', 8, 'The flags of the stream do not match their CRC32')]),
    ...(isClosed ? [] : [finding('truncated', size, 'The file does not end with a stream footer')]),
  ];
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
