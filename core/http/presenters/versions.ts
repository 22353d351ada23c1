import type { JsonObject } from '../../base/json.js';

/**
 * The minor versions whose additions are served: up to 2.13, with the stores of 2.8 and the tasks of
 * an image of 2.12. The cache (2.14, 2.16, 2.18), quotas' usage (2.15) and the new location calls
 * (2.17) are not served, and clients ask here before they use them.
 */
const CURRENT_MINOR = 13;

/** The version document (API-01). @param base URL without a trailing slash */
export function presentVersions(base: string): JsonObject {
  return {
    versions: Array.from({ length: CURRENT_MINOR + 1 }, (_, index) => ({
      id: `v2.${CURRENT_MINOR - index}`,
      status: index === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${base}/v2/` }],
    })),
  };
}
