import fc from 'fast-check';
import type { JsonObject } from '../../../core/base/json.js';
import { materials, type Material } from '../material.js';
import { checkMemory } from '../memory.js';
import { edit, mutated, type Edit } from '../mutation.js';
import { checkInspection } from '../oracle.js';
import { loadBytes, minimised, saveBytes } from '../saved-bytes.js';
import type { FuzzTarget, Seen } from '../target.js';

type Case = {
  readonly image: number;
  readonly edits: readonly Edit[];
  /** Another image, whose start stands before the bytes or whose end behind them. */
  readonly joined?: { readonly image: number; readonly where: 'before' | 'behind' } | undefined;
  /** Lengths of the chunks, over and over. */
  readonly chunks: readonly number[];
  /** Part of the stream, in 256ths, after which the memory is measured; most cases are not. */
  readonly measured?: number | undefined;
};

type How = Pick<Case, 'chunks' | 'measured'>;

/** More than there are images; the remainder counts. */
const MAX_IMAGE = 1 << 20;

/** Bytes of one image that are laid over another. */
const JOINED_LENGTH = 512;

/** One case in this many is measured, since collecting garbage takes longer than a case. */
const MEASURED_EVERY = 400;

/** Short chunks come with long ones, so that a large image does not take thousands of them. */
const chunk = fc.oneof(
  { arbitrary: fc.integer({ min: 1, max: 1024 }), weight: 1 },
  { arbitrary: fc.constantFrom(512, 4096, 65536, 131072), weight: 1 },
  { arbitrary: fc.integer({ min: 2048, max: 200_000 }), weight: 2 },
);

/** Made once in so many cases. */
function seldom<Value>(every: number, made: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.oneof(
    { arbitrary: fc.constant(undefined), weight: every - 1 },
    { arbitrary: made, weight: 1 },
  );
}

/** Mutated images of all formats, for all inspectors. */
export const inspectionTarget: FuzzTarget<Case> = {
  name: 'inspection',
  weight: 16,
  cases: fc.record({
    image: fc.nat({ max: MAX_IMAGE }),
    edits: fc.array(edit, { maxLength: 8 }),
    joined: seldom(
      12,
      fc.record({
        image: fc.nat({ max: MAX_IMAGE }),
        where: fc.constantFrom('before' as const, 'behind' as const),
      }),
    ),
    chunks: fc.array(chunk, { minLength: 1, maxLength: 4 }),
    measured: seldom(MEASURED_EVERY, fc.nat({ max: 256 })),
  }),
  check(made) {
    return judge(bytesOf(made), made);
  },
  save(made) {
    return { bytes: saveBytes(bytesOf(made)), chunks: made.chunks, measured: made.measured };
  },
  replay(saved) {
    judge(loadBytes(saved['bytes'] as JsonObject), saved as unknown as How);
  },
  shrink(saved, fails) {
    const withBytes = (bytes: Uint8Array): JsonObject => ({ ...saved, bytes: saveBytes(bytes) });
    const bytes = loadBytes(saved['bytes'] as JsonObject);
    return withBytes(minimised(bytes, (tried) => fails(withBytes(tried))));
  },
};

function bytesOf({ image, edits, joined }: Case): Uint8Array {
  const bytes = mutated(pick(image), edits);
  return joined ? join(bytes, pick(joined.image).make(), joined.where) : bytes;
}

const LEAST_MEAN = 2048;

function judge(bytes: Uint8Array, { chunks, measured }: Pick<Case, 'chunks' | 'measured'>): Seen {
  const mean = chunks.reduce((sum, length) => sum + length, 0) / chunks.length;
  const bearable = mean * 64 < bytes.length ? [...chunks, bytes.length >> 3] : chunks;
  const { seen } = checkInspection(bytes, mean < LEAST_MEAN ? bearable : chunks);
  if (measured === undefined) return seen;
  return [...seen, checkMemory(bytes, Math.ceil((bytes.length * measured) / 256))];
}

/** Small images come more often: they hold as many structures and take less time. */
function weighted(images: readonly Material[]): readonly Material[] {
  return images.flatMap((image) => {
    const share = image.length <= 256 * 1024 ? 8 : image.length <= 1024 * 1024 ? 2 : 1;
    const isMade = image.fields.length > 0 && image.length <= 1024 * 1024;
    return Array.from({ length: isMade ? share * 4 : share }, () => image);
  });
}

function join(bytes: Uint8Array, other: Uint8Array, where: 'before' | 'behind'): Uint8Array {
  if (where === 'behind') return Buffer.concat([bytes, other.subarray(-JOINED_LENGTH)]);
  const joined = Buffer.from(bytes);
  joined.set(other.subarray(0, Math.min(JOINED_LENGTH, joined.length)));
  return joined;
}

/** Loaded once, by the first case. */
let images: readonly Material[] | undefined;

function pick(index: number): Material {
  images ??= weighted(materials());
  const image = images[index % images.length];
  if (image === undefined) throw new Error('There is no image to make cases of');
  return image;
}
