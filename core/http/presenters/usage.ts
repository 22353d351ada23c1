import { z } from 'zod';
import type { QuotaReport } from '../../engine/bytes/quotas.js';
import { QUOTAS, isQuotaOfBytes } from '../../image/quota.js';
import { COUNT } from './wire-types.js';

const MIB = 1024 * 1024;
/** What Glance says where there is no limit. */
const UNLIMITED = -1;

export const USAGE = z.strictObject({
  usage: z.partialRecord(
    z.enum(QUOTAS),
    z.strictObject({ usage: COUNT, limit: z.int().min(UNLIMITED) }),
  ),
});

/** Usage and limits of a project (API-78): in whole MiB, as Keystone's unified limits count, and images. */
export function presentUsage(report: readonly QuotaReport[]): z.output<typeof USAGE> {
  return {
    usage: Object.fromEntries(
      report.map(({ name, usage, limit }) => {
        const inUnits = (value: number) => (isQuotaOfBytes(name) ? Math.floor(value / MIB) : value);
        return [
          name,
          { usage: inUnits(usage), limit: limit === undefined ? UNLIMITED : inUnits(limit) },
        ];
      }),
    ),
  };
}
