import { UnifiedLimits } from './auth/keystone/unified-limits.js';
import { systemClock } from './base/clock.js';
import type { Keystone } from './client/keystone/keystone.js';
import type { Config } from './config/config.js';
import { configuredLimits } from './engine/bytes/configured-limits.js';
import type { LimitSource } from './engine/bytes/quotas.js';

/** Where the limits of projects come from. */
export function limitSource({ quotas, auth }: Config, keystone: Keystone | undefined): LimitSource {
  if (quotas.source === 'config') return configuredLimits(quotas);
  if (auth.mode !== 'keystone' || keystone === undefined) {
    throw new Error('The rules have let quotas come from a Keystone that there is not');
  }
  const { region } = quotas;
  return new UnifiedLimits(keystone, { region, outageMs: auth.outageMs }, systemClock);
}
