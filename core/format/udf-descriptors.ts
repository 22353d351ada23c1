import { printable, type ByteView } from './byte-view.js';
import { crc16 } from './checksum.js';

// Source: ECMA-167 3rd edition; all fields are little-endian. 3/7.2 "Descriptor tag":
//
//  offset size                            offset size
//       0    2  identifier                     6    2  serial number
//       2    2  version, 2 or 3                8    2  CRC of what follows the tag
//       4    1  sum of the other 15 bytes     10    2  bytes that the CRC covers
//                                             12    4  sector of the descriptor
const TAG_LENGTH = 16;
const VERSIONS = [2, 3];

/** 3/7.2.1: what follows the tag. */
const ANCHOR = 2;
const PRIMARY = 1;
const PARTITION = 5;
const LOGICAL_VOLUME = 6;
const TERMINATOR = 8;

/** 3/10.2: the anchor names the main and the reserve sequence of volume descriptors. */
const MAIN_AT = 16;
const RESERVE_AT = 24;

/** ECMA-167 does not bound a sector; these are those that writers use. Readers try them likewise. */
export const SECTOR_SIZES = [512, 1024, 2048, 4096] as const;

/** Bytes of a descriptor that are looked at; each is at the start of a sector. */
export const DESCRIPTOR_LENGTH = 512;

/** A run of bytes that a descriptor names. */
export type Extent = { readonly offset: number; readonly length: number };

export type Anchor = {
  readonly view: ByteView;
  readonly sectorSize: number;
  readonly main: Extent;
  readonly reserve: Extent;
};

/** What the sequence of volume descriptors tells; `undefined` where it does not. */
export type Volume = {
  readonly primary: ByteView | undefined;
  readonly logical: ByteView | undefined;
  readonly partitions: readonly ByteView[];
  /** Descriptors whose tag or CRC is not right. */
  readonly damaged: readonly ByteView[];
};

/** The anchor at the start of `view`, if there is a valid one that says so. */
export function anchorAt(view: ByteView, sectorSize: number): Anchor | undefined {
  const isAnchor =
    view.u16le(0) === ANCHOR && isValid(view) && view.u32le(12) * sectorSize === view.offset;
  if (!isAnchor) return undefined;
  const extent = (at: number): Extent => ({
    offset: view.u32le(at + 4) * sectorSize,
    length: view.u32le(at),
  });
  return { view, sectorSize, main: extent(MAIN_AT), reserve: extent(RESERVE_AT) };
}

/** Reads a sequence of volume descriptors, which a terminator or the end of the extent ends. */
export function volumeOf(sequence: ByteView, sectorSize: number): Volume {
  const partitions: ByteView[] = [];
  const damaged: ByteView[] = [];
  let primary: ByteView | undefined;
  let logical: ByteView | undefined;
  for (let at = 0; at + DESCRIPTOR_LENGTH <= sequence.length; at += sectorSize) {
    const descriptor = sequence.slice(at, DESCRIPTOR_LENGTH);
    const identifier = descriptor.u16le(0);
    if (identifier === 0 || identifier === TERMINATOR) break;
    if (!isValid(descriptor)) damaged.push(descriptor);
    else if (identifier === PRIMARY) primary = prevailing(primary, descriptor);
    else if (identifier === LOGICAL_VOLUME) logical = prevailing(logical, descriptor);
    else if (identifier === PARTITION) partitions.push(descriptor);
  }
  return { primary, logical, partitions, damaged };
}

/** Text of 3/7.2.12 "Fixed-length character fields", in the compressed Unicode of OSTA UDF 2.1.1. */
export function dstring(view: ByteView, at: number, length: number): string {
  const used = Math.min(view.u8(at + length - 1), length - 1);
  const { bytes } = view.slice(at + 1, Math.max(0, used - 1));
  if (view.u8(at) === 8) return printable(Buffer.from(bytes).toString('latin1'));
  if (view.u8(at) === 16) return printable(new TextDecoder('utf-16be').decode(bytes));
  return '';
}

/** 3/8.4.3: of two descriptors of a kind the one with the higher sequence number holds. */
function prevailing(held: ByteView | undefined, other: ByteView): ByteView {
  return held !== undefined && held.u32le(TAG_LENGTH) >= other.u32le(TAG_LENGTH) ? held : other;
}

function isValid(descriptor: ByteView): boolean {
  const { bytes } = descriptor.slice(0, TAG_LENGTH);
  const sum = bytes.reduce((total, byte, at) => (at === 4 ? total : total + byte), 0);
  const covered = descriptor.slice(TAG_LENGTH, descriptor.u16le(10));
  return (
    bytes.length === TAG_LENGTH &&
    VERSIONS.includes(descriptor.u16le(2)) &&
    (sum & 0xff) === descriptor.u8(4) &&
    // A CRC over more than is looked at is not judged.
    (covered.length < descriptor.u16le(10) || crc16(covered.bytes) === descriptor.u16le(8))
  );
}
