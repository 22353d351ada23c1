/** How one kind of compressed stream is unpacked. */
export interface Compression {
  readonly program: string;
  /** Standard input to standard output, on one thread; `memory` in bytes. */
  readonly args: (memory: number) => readonly string[];
  /** First bytes, by which it is found inside another one; `lzma` has none. */
  readonly magic?: Buffer;
}

/** XZ refuses by itself what needs more, with words that help; the rest is the program's own. */
const XZ_MEMORY_SHARE = 0.75;

function xz(format: 'xz' | 'lzma') {
  return (memory: number): readonly string[] => [
    ...['--decompress', '--stdout', '--threads=1', `--format=${format}`],
    `--memlimit-decompress=${Math.floor(memory * XZ_MEMORY_SHARE)}`,
  ];
}

const plain = (): readonly string[] => ['-dc'];

/** By the inspector's name of the format. */
export const COMPRESSIONS = {
  gz: { program: 'gzip', args: plain, magic: Buffer.from('1f8b08', 'hex') },
  xz: { program: 'xz', args: xz('xz'), magic: Buffer.from('fd377a585a00', 'hex') },
  zst: {
    program: 'zstd',
    args: () => ['--decompress', '--stdout', '--quiet', '--no-progress'],
    magic: Buffer.from('28b52ffd', 'hex'),
  },
  bz2: { program: 'bzip2', args: plain, magic: Buffer.from('BZh', 'latin1') },
  lzma: { program: 'xz', args: xz('lzma') },
} as const satisfies Readonly<Record<string, Compression>>;

export type CompressionName = keyof typeof COMPRESSIONS;

export function isCompression(format: string): format is CompressionName {
  return format in COMPRESSIONS;
}

/** Bytes that {@link compressionOf} wants to see. */
export const START_LENGTH = 10;

/** The compression that a stream with this start is of. */
export function compressionOf(start: Buffer): CompressionName | undefined {
  const names = Object.keys(COMPRESSIONS) as CompressionName[];
  return names.find((name) => {
    const { magic }: Compression = COMPRESSIONS[name];
    if (magic === undefined || !start.subarray(0, magic.length).equals(magic)) return false;
    return name !== 'bz2' || isBzip2(start);
  });
}

/** "BZh" is text too: the level, and the number of a block or of the end, come behind it. */
function isBzip2(start: Buffer): boolean {
  const marks = ['314159265359', '177245385090'];
  return (
    /[1-9]/.test(start.toString('latin1', 3, 4)) && marks.includes(start.toString('hex', 4, 10))
  );
}
