import type { ConfiguredQuotas } from '../../config/config.js';
import { QUOTAS } from '../../image/quota.js';
import type { QuotaLimits } from '../../image/quota.js';
import type { LimitSource } from './quotas.js';

/** Limits that stand in the config. */
export function configuredLimits({ defaults, projects }: ConfiguredQuotas): LimitSource {
  return {
    isOff: Object.keys(defaults).length + Object.keys(projects).length === 0,
    limitsOf: (projectId) => {
      const own = Object.hasOwn(projects, projectId) ? projects[projectId] : undefined;
      const limits: { -readonly [Name in keyof QuotaLimits]: QuotaLimits[Name] } = {};
      for (const name of QUOTAS) {
        const limit = own?.[name] === undefined ? defaults[name] : own[name];
        if (limit !== undefined && limit !== null) limits[name] = limit;
      }
      return Promise.resolve(limits);
    },
  };
}
