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

const GRANTED: Verdict = { kind: 'granted' };

/**
 * Judges who may take how many bytes of the staging area. Two rules keep imports from waiting for
 * each other for ever: an import is granted everything that it needs beside its data at once, and
 * data are taken in only as long as the largest such need still fits beside all the data. So
 * whoever waits finds room at the latest when those have ended who wait for nothing.
 *
 * Pure: what is reserved stands in the database and is handed in.
 */
export class Ledger {
  /** Bytes in all, and the part of them (0–1) that new data may never take. */
  constructor(
    readonly capacity: number,
    private readonly reserve: number,
  ) {}

  /** Bytes that new data may take at most, where `need` is the largest that is kept for somebody. */
  capacityForData(need: number): number {
    return Math.max(0, this.capacity - Math.max(Math.ceil(this.capacity * this.reserve), need));
  }

  /** For new data. `reserved` is what everybody holds now, `need` the largest that is to be kept. */
  judgeData(bytes: number, reserved: number, need: number): Verdict {
    const limit = this.capacityForData(need);
    if (reserved + bytes <= limit) return GRANTED;
    return {
      kind: bytes > this.capacityForData(0) ? 'never' : 'full',
      reason: `Needs ${formatByteSize(bytes)} of staging, ${taken(reserved, limit)} for incoming data are taken`,
    };
  }

  /** Whether data that have come may stay: the largest need must fit beside all `staged` data. */
  judgeStaged(staged: number, need: number): Verdict {
    if (need === 0 || staged + need <= this.capacity) return GRANTED;
    return {
      kind: 'full',
      reason: `An import needs ${formatByteSize(need)} beside the ${formatByteSize(staged)} of staged data, the whole capacity is ${formatByteSize(this.capacity)}`,
    };
  }

  /**
   * For all that an import needs beside its data, of which it holds `own`. `others` is what everybody
   * else holds, `ahead` what somebody waits for who has asked before.
   */
  judgeImport(need: number, held: { own: number; others: number; ahead: number }): Verdict {
    const { own, others, ahead } = held;
    if (own + need > this.capacity) {
      return {
        kind: 'never',
        reason: `Needs ${formatByteSize(need)} of staging beside the ${formatByteSize(own)} that it holds, the whole capacity is ${formatByteSize(this.capacity)}`,
      };
    }
    if (own + others + ahead + need <= this.capacity) return GRANTED;
    const kept = ahead === 0 ? '' : `, ${formatByteSize(ahead)} are kept for an import before it`;
    return {
      kind: 'full',
      reason: `Needs ${formatByteSize(need)} of staging, ${taken(own + others, this.capacity)} in all are taken${kept}`,
    };
  }
}

function taken(bytes: number, limit: number): string {
  return `${formatByteSize(bytes)} of ${formatByteSize(limit)}`;
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
