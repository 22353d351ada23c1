import { z } from 'zod';

export const VERSIONS = z.strictObject({
  versions: z.array(
    z.strictObject({
      id: z.string(),
      status: z.enum(['CURRENT', 'SUPPORTED']),
      links: z.array(z.strictObject({ rel: z.literal('self'), href: z.url() })),
    }),
  ),
});

/**
 * The minor versions whose additions are served, the newest first; clients ask here before they use
 * one. Those of the cache (2.14, 2.16, 2.18) are not.
 */
const MINORS = [17, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

/** The number of the newest minor version that is served. */
export const NEWEST_SERVED = `2.${Math.max(...MINORS)}`;

/** The newest version of the API that gives a minor version a meaning. */
const NEWEST_MINOR = 18;

/** Whether paths may begin with this version; one whose additions are not served may be named too. */
export function isServedMinor(minor: number): boolean {
  return minor <= NEWEST_MINOR;
}

/** The version document (API-01). @param base URL without a trailing slash */
export function presentVersions(base: string): z.output<typeof VERSIONS> {
  return {
    versions: MINORS.map((minor, index) => ({
      id: `v2.${minor}`,
      status: index === 0 ? 'CURRENT' : 'SUPPORTED',
      links: [{ rel: 'self', href: `${base}/v2/` }],
    })),
  };
}
