import type { ByteView } from './byte-view.js';

// Source: POSIX.1-2017 pax, "ustar Interchange Format": 0 name, 124 size, 148 checksum in octal
// digits (8), 156 type, 157 link name, 257 magic "ustar", 345 prefix. GNU tar manual, "Basic Tar Format":
// numbers in base 256 where the first bit is set, types "L" and "K" for long names.
export const BLOCK = 512;
const CHECKSUM = { offset: 148, length: 8 };
const SIZE = { offset: 124, length: 12 };

export type TarHeader = {
  readonly name: string;
  /** Bytes of the member; NaN where the field is no number. */
  readonly size: number;
  readonly type: string;
  readonly isUstar: boolean;
};

/** What a block says as a header; `undefined` where its checksum is not right. */
export function tarHeader(block: ByteView): TarHeader | undefined {
  if (block.length < BLOCK || !hasChecksum(block)) return undefined;
  const isUstar = block.startsWith('ustar', 257);
  // GNU's own variant of the format has other things in the place of the prefix.
  const prefix = block.startsWith('ustar\0', 257) ? field(block, 345, 155) : '';
  const name = field(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: number(block),
    type: block.latin1(156, 1),
    isUstar,
  };
}

/** The sum of all bytes, the checksum field as spaces; archives older than ustar have it too. */
function hasChecksum(header: ByteView): boolean {
  const told = /^[ 0]*([0-7]+)[ \0]/.exec(header.latin1(CHECKSUM.offset, CHECKSUM.length))?.[1];
  if (told === undefined || header.u8(0) === 0) return false;
  let sum = CHECKSUM.length * 0x20;
  header.bytes.forEach((byte, at) => {
    if (at < CHECKSUM.offset || at >= CHECKSUM.offset + CHECKSUM.length) sum += byte;
  });
  return sum === Number.parseInt(told, 8);
}

function number(block: ByteView): number {
  if ((block.u8(SIZE.offset) & 0x80) !== 0) {
    const { bytes } = block.slice(SIZE.offset + 1, SIZE.length - 1);
    return bytes.reduce((value, byte) => value * 256 + byte, block.u8(SIZE.offset) & 0x3f);
  }
  const digits = /^ *([0-7]+)[ \0]*$/.exec(block.latin1(SIZE.offset, SIZE.length))?.[1];
  return digits === undefined ? NaN : Number.parseInt(digits, 8);
}

function field(block: ByteView, at: number, length: number): string {
  return textOf(block.slice(at, length).bytes);
}

/** Text up to the first null byte. */
export function textOf(bytes: Uint8Array): string {
  const nul = bytes.indexOf(0);
  return Buffer.from(nul < 0 ? bytes : bytes.subarray(0, nul)).toString('utf8');
}

/** `path` and `size` of a pax extended header: lines of `length key=value\n`. */
export function paxOverrides(bytes: Uint8Array): {
  readonly path?: string;
  readonly size?: number;
} {
  const text = Buffer.from(bytes).toString('utf8');
  const path = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text)?.[1];
  const size = /(?:^|\n)\d+ size=(\d+)\n/.exec(text)?.[1];
  return {
    ...(path === undefined ? {} : { path }),
    ...(size === undefined ? {} : { size: Number(size) }),
  };
}
