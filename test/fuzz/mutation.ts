import fc from 'fast-check';
import { setField, type Patch } from '../support/images/writer.js';
import type { Material } from './material.js';

/** A change of the bytes of an image. Positions are parts of what there is, so that each fits. */
export type Edit =
  | { readonly do: 'field'; readonly field: number; readonly value: bigint }
  | { readonly do: 'byte'; readonly at: Place; readonly value: number }
  | {
      readonly do: 'number';
      readonly at: Place;
      readonly value: bigint;
      readonly width: 2 | 4 | 8;
      readonly order: 'be' | 'le';
    }
  | { readonly do: 'fill'; readonly at: Place; readonly length: number; readonly value: number }
  | { readonly do: 'text'; readonly at: Place; readonly text: string }
  | { readonly do: 'copy'; readonly from: Place; readonly at: Place; readonly length: number }
  | { readonly do: 'cut'; readonly at: Place }
  | { readonly do: 'append'; readonly length: number; readonly value: number };

/** A place that structures like, from the start or the end of the image, and a way from it. */
type Place = { readonly base: number; readonly offset: number };

/** Where the formats have structures. */
const BASES = [
  ...[0, 0, 0, 512, 1024, 4096, 16384, 32768, 34816, 36864, 65536, 131072, 196608, 262144, 524288],
  ...[1048576, 2097152, 2162688, -512, -1024, -1536, -2048, -4096, -16896],
];

const MAX = (1n << 64n) - 1n;
const NUMBERS = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 0x7fn, 0x80n, 0xffn, 511n, 512n, 513n, 4095n, 4096n, 65535n, 65536n],
  ...[(1n << 31n) - 1n, 1n << 31n, (1n << 32n) - 1n, 1n << 32n, (1n << 53n) - 1n, 1n << 53n],
  ...[(1n << 63n) - 512n, (1n << 63n) - 1n, 1n << 63n, MAX - 511n, MAX],
];

/** Signatures and words that make an inspector look. */
const WORDS = [
  ...['QFI\xfb', 'QED\0', 'KDMV', 'COWD', 'conectix', 'cxsparse', 'vhdxfile', 'LUKS\xba\xbe'],
  ...['SKUL\xba\xbe', '\x7f\x10\xda\xbe', 'EFI PART', '\x55\xaa', '\x01CD001\x01', '\0BEA01\x01'],
  ...['\0NSR02\x01', 'PK\x03\x04', 'PK\x05\x06', '\x1f\x8b\x08', '\xfd7zXZ\0', 'ustar', 'koly'],
  ...['# Disk DescriptorFile\n', 'createType="monolithicSparse"\n', 'createType="vmfs"\n'],
  ...['parentFileNameHint="/etc/passwd"\n', 'parentCID=00000001\n', 'RW 1 FLAT "/etc/passwd" 0\n'],
  ...['head', 'regi', 'metadata', '\xe2\x79\x2a\xca', 'DATA', '\x68\x03\xf8\x57', '\n', '"', '\0'],
];

const place: fc.Arbitrary<Place> = fc.record({
  base: fc.nat({ max: BASES.length - 1 }),
  offset: fc.oneof(
    { arbitrary: fc.nat({ max: 128 }), weight: 6 },
    { arbitrary: fc.nat({ max: 2048 }), weight: 2 },
    { arbitrary: fc.nat({ max: 4 * 1024 * 1024 }), weight: 1 },
  ),
});

const number = fc.oneof(fc.constantFrom(...NUMBERS), fc.bigInt({ min: 0n, max: MAX }));
const byte = fc.nat({ max: 255 });
const length = fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 70_000 }));

/** Changes as they are made at random; those of fields come often, as their checksums are right. */
export const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    arbitrary: fc.record({ do: fc.constant('field' as const), field: fc.nat(64), value: number }),
    weight: 8,
  },
  { arbitrary: fc.record({ do: fc.constant('byte' as const), at: place, value: byte }), weight: 6 },
  {
    arbitrary: fc.record({
      do: fc.constant('number' as const),
      at: place,
      value: number,
      width: fc.constantFrom(2 as const, 4 as const, 8 as const),
      order: fc.constantFrom('be' as const, 'le' as const),
    }),
    weight: 6,
  },
  {
    arbitrary: fc.record({ do: fc.constant('fill' as const), at: place, length, value: byte }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('text' as const),
      at: place,
      text: fc.constantFrom(...WORDS),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({ do: fc.constant('copy' as const), from: place, at: place, length }),
    weight: 1,
  },
  { arbitrary: fc.record({ do: fc.constant('cut' as const), at: place }), weight: 1 },
  {
    arbitrary: fc.record({ do: fc.constant('append' as const), length, value: byte }),
    weight: 1,
  },
);

/** The image with all changes: those of fields first, under its checksums. */
export function mutated(image: Material, edits: readonly Edit[]): Uint8Array {
  const { fields } = image;
  const patches = edits.flatMap((change): readonly Patch[] => {
    if (change.do !== 'field' || fields.length === 0) return [];
    const field = fields[change.field % fields.length];
    return field === undefined ? [] : [setField(field, change.value)];
  });
  const bytes = image.make((writer) => {
    for (const patch of patches) patch(writer);
  });
  return edits.reduce(apply, Buffer.from(bytes));
}

function apply(bytes: Buffer, change: Edit): Buffer {
  switch (change.do) {
    case 'field':
      return bytes;
    case 'byte':
      bytes.fill(change.value, ...range(bytes, change.at, 1));
      return bytes;
    case 'number': {
      const [at] = range(bytes, change.at, change.width);
      numberBytes(change).copy(bytes, at);
      return bytes;
    }
    case 'fill':
      bytes.fill(change.value, ...range(bytes, change.at, change.length));
      return bytes;
    case 'text':
      Buffer.from(change.text, 'latin1').copy(bytes, range(bytes, change.at, 1)[0]);
      return bytes;
    case 'copy': {
      const [from, end] = range(bytes, change.from, change.length);
      bytes.copy(bytes, range(bytes, change.at, 1)[0], from, end);
      return bytes;
    }
    case 'cut':
      return bytes.subarray(0, range(bytes, change.at, 1)[0]);
    case 'append':
      return Buffer.concat([bytes, Buffer.alloc(change.length, change.value)]);
  }
}

function numberBytes({ value, width, order }: Extract<Edit, { do: 'number' }>): Buffer {
  const bytes = Buffer.alloc(8);
  if (order === 'be') {
    bytes.writeBigUInt64BE(value);
    return bytes.subarray(8 - width);
  }
  bytes.writeBigUInt64LE(value);
  return bytes.subarray(0, width);
}

function range(bytes: Buffer, { base, offset }: Place, length: number): [number, number] {
  const from = BASES[base] ?? 0;
  const start = Math.max(0, from < 0 ? bytes.length + from : from) + offset;
  const at = bytes.length === 0 ? 0 : start % bytes.length;
  return [at, Math.min(bytes.length, at + length)];
}
