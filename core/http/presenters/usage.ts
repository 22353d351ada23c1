import type { JsonObject } from '../../base/json.js';
import type { QuotaReport } from '../../engine/bytes/quotas.js';
import { isQuotaOfBytes } from '../../image/quota.js';

const MIB = 1024 * 1024;
/** What Glance says where there is no limit. */
const UNLIMITED = -1;

/** Usage and limits of a project (API-78): in whole MiB, as Keystone's unified limits count, and images. */
export function presentUsage(report: readonly QuotaReport[]): JsonObject {
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
