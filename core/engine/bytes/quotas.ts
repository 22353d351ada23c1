import { inject, injectable } from 'inversify';
import { formatByteSize } from '../../base/byte-size.js';
import { CapacityError } from '../../base/errors.js';
import { QUOTAS, isQuotaOfBytes } from '../../image/quota.js';
import type { QuotaLimits, QuotaName, QuotaUsage } from '../../image/quota.js';
import { Database } from '../ports.js';
import type { Transaction } from '../ports.js';

/** Says what the projects may have. */
export interface LimitSource {
  /** Nobody has any limit. */
  readonly isOff: boolean;
  limitsOf(projectId: string): Promise<QuotaLimits>;
}
export const LimitSource = Symbol('LimitSource');

/** What one project may have, as it was asked for before a transaction. */
export interface Quota {
  readonly isLimited: boolean;
  /**
   * Makes a change in whose transaction the project has no more than it may; what is beyond a limit
   * already may stay or shrink. One transaction writes at a time, so no two changes can share what
   * is left.
   * @throws {CapacityError} `QUOTA_EXCEEDED`, which takes the change back
   */
  hold<T>(tx: Transaction, change: () => Promise<T>): Promise<T>;
}

/** One row of a report: in bytes or images. */
export interface QuotaReport {
  readonly name: QuotaName;
  readonly usage: number;
  /** `undefined`: without limit. */
  readonly limit: number | undefined;
}

const QUOTA_EXCEEDED = 'QUOTA_EXCEEDED';

const UNLIMITED: Quota = { isLimited: false, hold: (_, change) => change() };

/** Whether a change was refused because of a quota, not because a disk is full. */
export function isQuotaExceeded(error: unknown): error is CapacityError {
  return error instanceof CapacityError && error.code === QUOTA_EXCEEDED;
}

/**
 * Holds what projects add against their limits. Usage is counted from the rows, never kept beside
 * them: what is reserved, grows, settles and goes away counts as it is.
 */
@injectable()
export class Quotas {
  constructor(
    @inject(Database) private readonly database: Database,
    @inject(LimitSource) private readonly source: LimitSource,
  ) {}

  /** Of the project that owns the image. */
  async ofImage(imageId: string): Promise<Quota> {
    if (this.source.isOff) return UNLIMITED;
    const image = await this.database.read.imageEvenDeleted(imageId);
    return this.ofProject(image?.owner ?? null);
  }

  /** @param projectId `null`: what nobody owns has no limit */
  async ofProject(projectId: string | null): Promise<Quota> {
    if (this.source.isOff || projectId === null) return UNLIMITED;
    const limits = await this.source.limitsOf(projectId);
    if (QUOTAS.every((name) => limits[name] === undefined)) return UNLIMITED;
    return {
      isLimited: true,
      hold: async (tx, change) => {
        const result = await change();
        const after = await tx.usage(projectId);
        if (QUOTAS.some((name) => isBeyond(limits, name, after))) {
          // Outside of the transaction everything is as it was before the change.
          assertNoGrowth(limits, await this.database.read.usage(projectId), after);
        }
        return result;
      },
    };
  }

  /** Nothing where quotas are off, or for a caller without a project. */
  async report(projectId: string | null): Promise<readonly QuotaReport[]> {
    if (this.source.isOff || projectId === null) return [];
    const limits = await this.source.limitsOf(projectId);
    const usage = await this.database.read.usage(projectId);
    return QUOTAS.map((name) => ({ name, usage: usage[name], limit: limits[name] }));
  }
}

function isBeyond(limits: QuotaLimits, name: QuotaName, usage: QuotaUsage): boolean {
  return usage[name] > (limits[name] ?? Infinity);
}

function assertNoGrowth(limits: QuotaLimits, before: QuotaUsage, after: QuotaUsage): void {
  for (const quota of QUOTAS) {
    const limit = limits[quota];
    const wanted = after[quota];
    const usage = before[quota];
    if (limit === undefined || wanted <= limit || wanted <= usage) continue;
    const say = isQuotaOfBytes(quota) ? formatByteSize : String;
    throw new CapacityError({
      code: QUOTA_EXCEEDED,
      message: `The project has ${say(usage)} of the ${say(limit)} that its quota "${quota}" allows; this would make ${say(wanted)}`,
      hint: 'Delete images that are not needed, wait for uploads to end, or ask the operator for more',
      details: { quota, limit, usage, wanted },
    });
  }
}
