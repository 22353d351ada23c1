import type { JsonObject } from '../base/json.js';
import { ByteView } from './byte-view.js';
import type { Finding } from './inspection.js';

/**
 * What every format inspector is: a generator that asks for pieces of the stream and ends with its
 * verdict. It is written as if it could seek; the stream feeds it as the bytes pass.
 *
 * Pieces must be asked for in ascending order; those inside the first {@link HEAD_LENGTH} bytes can
 * be had at any time. A piece that has passed is empty, one at the end of the stream is shorter. A
 * format must not know of other formats: `combine.ts` alone compares verdicts.
 */
export type FormatInspector = {
  /** Name for messages about the inspector itself. */
  readonly name: string;
  readonly inspect: () => Inspecting;
};

/** One run of a format inspector; ends with `undefined` where the bytes are not of its format. */
export type Inspecting = Reading<Verdict | undefined>;

/** A computation that reads pieces of the stream. */
export type Reading<Result> = Generator<PieceRequest, Result, Piece>;

/** Bytes at the start of the stream that all inspectors share; holds all fixed headers. */
export const HEAD_LENGTH = 128 * 1024;

/** Longest piece at one time; a longer one is cut. Bounds the memory of each inspector. */
export const MAX_PIECE_LENGTH = 64 * 1024;

/** Bytes kept of the end of the stream: a backup GPT with its entries on 4096-byte sectors. */
export const TAIL_LENGTH = 20 * 1024;

export type PieceRequest =
  | { readonly from: 'start'; readonly offset: number; readonly length: number }
  | { readonly from: 'end'; readonly length: number };

export type Piece = {
  readonly view: ByteView;
  /** Length of the whole stream; 0 while it is not known. */
  readonly size: number;
};

/** What one inspector says of the stream. */
export type Verdict = {
  readonly format: string;
  /**
   * `image`: the stream is of this format. `partition-table`: the guest's own structure at the
   * start of a disk. `boot-sector`: a boot signature there without a table. `partition-backup`: the
   * structure at its end, which ends other formats by chance, as their last block is the guest's
   * last. `appended`: an archive behind other data, which reads from the end. `none`: the inspector
   * failed and knows nothing but that.
   */
  readonly layer:
    'image' | 'partition-table' | 'boot-sector' | 'partition-backup' | 'appended' | 'none';
  /** Offset of the signature. The lowest one names the format where several are valid. */
  readonly signatureAt: number;
  /**
   * What the first sector holds: bytes of the guest, in which a partition table is no second format,
   * or a header with nothing in the place of a boot signature. Absent: bytes of any value.
   */
  readonly firstSector?: 'guest' | 'header';
  readonly subformat?: string;
  readonly virtualSize?: {
    readonly bytes: number;
    /** Offset of the field that says so. */
    readonly offset: number;
  };
  readonly findings: readonly Finding[];
  readonly metadata: JsonObject;
};

/** Reads `[offset, offset + length)`; shorter where the stream ends. */
export function* read(offset: number, length: number): Reading<ByteView> {
  const piece = yield { from: 'start', offset, length };
  return piece.view;
}

/** Reads the last `length` bytes and learns the size of the stream. */
export function* readEnd(length: number): Reading<Piece> {
  return yield { from: 'end', length };
}
