import { CapacityError } from '../base/errors.js';
import { formatByteSize } from '../base/byte-size.js';

/** Seconds after which asking again is worth while when staging is full. */
const RETRY_AFTER = 30;

/** What the ledger says to somebody who asks for bytes. */
export type Verdict =
  | { readonly kind: 'granted' }
  /** Later, when others have given back. */
  | { readonly kind: 'full'; readonly reason: string }
  /** Not even an empty staging area would do. */
  | { readonly kind: 'never'; readonly reason: string };

/**
 * Judges who may take how many bytes of the staging area. A share of it is out of reach for new
 * bytes, so that an import which is under way can find its workspace.
 *
 * Pure: what is reserved stands in the database and is handed in.
 */
export class Ledger {
  /** Bytes in all, and the part of them (0–1) that only imports under way may take. */
  constructor(
    readonly capacity: number,
    private readonly reserve: number,
  ) {}

  /** Bytes that new data may take at most. */
  get capacityForData(): number {
    return Math.floor(this.capacity * (1 - this.reserve));
  }

  /** For bytes that come in. `reserved` is what everybody holds now. */
  judgeData(bytes: number, reserved: number): Verdict {
    return judge(bytes, reserved, this.capacityForData, 'for incoming data');
  }

  /**
   * For the workspace of an import that holds its data already (`own` bytes of `reserved`). The
   * first in the queue may take all that is left, those behind it only what is not kept back.
   */
  judgeWorkspace(bytes: number, reserved: number, own: number, first: boolean): Verdict {
    if (own + bytes > this.capacity) {
      return {
        kind: 'never',
        reason: `Needs ${formatByteSize(bytes)} of staging beside the ${formatByteSize(own)} that it holds, the whole capacity is ${formatByteSize(this.capacity)}`,
      };
    }
    const limit = first ? this.capacity : this.capacityForData;
    return judge(bytes, reserved, limit, first ? 'in all' : 'while others wait');
  }
}

function judge(bytes: number, reserved: number, limit: number, which: string): Verdict {
  if (reserved + bytes <= limit) return { kind: 'granted' };
  const numbers = `${formatByteSize(reserved)} of ${formatByteSize(limit)} ${which} are taken`;
  return {
    kind: bytes > limit && which !== 'while others wait' ? 'never' : 'full',
    reason: `Needs ${formatByteSize(bytes)} of staging, ${numbers}`,
  };
}

/** @throws {CapacityError} `STAGING_FULL` (later) or `STAGING_TOO_SMALL` (never) unless granted. */
export function assertGranted(verdict: Verdict): void {
  switch (verdict.kind) {
    case 'granted':
      return;
    case 'full':
      throw new CapacityError({
        code: 'STAGING_FULL',
        message: verdict.reason,
        hint: 'Send it again later, or ask the operator for more staging capacity',
        retryAfter: RETRY_AFTER,
      });
    case 'never':
      throw new CapacityError({
        code: 'STAGING_TOO_SMALL',
        message: verdict.reason,
        hint: 'Ask the operator to raise staging.capacity',
      });
  }
}
