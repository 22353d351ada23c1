import type { ByteView } from './byte-view.js';
import type { Finding } from './inspection.js';
import { finding } from './rules.js';

// Source: QEMU docs/interop/qcow2.txt, "Header extensions": 4 bytes type, 4 bytes length, data
// padded to 8 bytes; they end with type 0 or at the end of the first cluster.
const END = 0x00000000;
const BACKING_FORMAT = 0xe2792aca;
const FEATURE_NAMES = 0x6803f857;
const BITMAPS = 0x23852875;
const ENCRYPTION_HEADER = 0x0537be77;
const DATA_FILE = 0x44415441;

/** "Feature name table": 1 byte type, 1 byte bit number, 46 bytes name. */
const FEATURE_ENTRY = 48;
const INCOMPATIBLE_FEATURE = 0;

/** "Autoclear features", bit 0; "Encryption method", 2. */
const AUTOCLEAR_BITMAPS = 1n;
const LUKS = 2;

/** A structure that an extension names. */
type Place = { readonly entryAt: number; readonly offset: number; readonly length: number };

export type Extensions = {
  readonly findings: readonly Finding[];
  readonly backingFormat: string | undefined;
  readonly dataFile: string | undefined;
  readonly bitmapCount: number;
  /** Where the LUKS header of the encryption is. */
  readonly encryptionHeader: Place | undefined;
  /** Where the directory of the dirty bitmaps is. */
  readonly bitmaps: Place | undefined;
  /** Names that the image gives to its incompatible feature bits. */
  readonly featureNames: ReadonlyMap<number, string>;
};

/**
 * Reads the header extensions between the header and the backing file name or, without one, the end
 * of the first cluster. `head` may hold less than that: what lies behind it counts as malformed,
 * since no writer needs more.
 */
export function readExtensions(
  head: ByteView,
  headerLength: number,
  clusterSize: number,
): Extensions {
  const findings: Finding[] = [];
  const found = new Map<number, ByteView>();
  const backingAt = head.u64be(8);
  const end = backingAt > 0 ? Math.min(backingAt, clusterSize) : clusterSize;
  let at = headerLength;
  while (at + 8 <= end) {
    const [type, length] = [head.u32be(at), head.u32be(at + 4)];
    if (type === END && at + 8 <= head.length) break;
    if (at + 8 + length > Math.min(end, head.length)) {
      findings.push(
        finding(
          'header-malformed',
          at,
          `The header extension 0x${type.toString(16)} of ${length} bytes leaves the header`,
        ),
      );
      break;
    }
    // "Unless stated otherwise, each header extension type shall appear at most once".
    if (found.has(type)) {
      const name = `0x${type.toString(16)}`;
      findings.push(finding('header-malformed', at, `The header has two extensions ${name}`));
      break;
    }
    found.set(type, head.slice(at + 8, length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return {
    findings,
    backingFormat: textOf(found.get(BACKING_FORMAT)),
    dataFile: textOf(found.get(DATA_FILE)),
    bitmapCount: found.get(BITMAPS)?.u32be(0) ?? 0,
    encryptionHeader: placeOf(found.get(ENCRYPTION_HEADER), 0, 8),
    bitmaps: placeOf(found.get(BITMAPS), 16, 8),
    featureNames: namesOf(found.get(FEATURE_NAMES)),
  };
}

/** Judges that what the extensions name lies in a file of `size` bytes. */
export function* judgePlaces(
  head: ByteView,
  { encryptionHeader, bitmaps }: Extensions,
  size: number,
): Iterable<Finding> {
  // "If this bit is unset, the bitmaps extension data must be considered inconsistent."
  const hasBitmaps = head.u32be(4) === 3 && (head.big64be(88) & AUTOCLEAR_BITMAPS) !== 0n;
  const places = {
    'header of the encryption': head.u32be(32) === LUKS ? encryptionHeader : undefined,
    'directory of the bitmaps': hasBitmaps ? bitmaps : undefined,
  };
  for (const [name, place] of Object.entries(places)) {
    if (place === undefined || place.offset + place.length <= size) continue;
    const end = BigInt(place.offset + place.length);
    yield finding('outside-file', place.entryAt, `The ${name} ends at ${end}, the file at ${size}`);
  }
}

function placeOf(
  data: ByteView | undefined,
  offsetAt: number,
  lengthAt: number,
): Place | undefined {
  if (data === undefined || data.length < 16) return undefined;
  return { entryAt: data.offset, offset: data.u64be(offsetAt), length: data.u64be(lengthAt) };
}

function textOf(data: ByteView | undefined): string | undefined {
  return data?.text(0, data.length);
}

function namesOf(data: ByteView | undefined): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (let at = 0; data && at + FEATURE_ENTRY <= data.length; at += FEATURE_ENTRY) {
    if (data.u8(at) === INCOMPATIBLE_FEATURE) names.set(data.u8(at + 1), data.text(at + 2, 46));
  }
  return names;
}
