import { ForbiddenError } from '../base/errors.js';
import { claimCovers } from '../plugin/claims.js';
import type { PropertyClaim } from '../plugin/claims.js';

/** What the plugins of every pipeline claim for themselves. */
export type Claims = readonly PropertyClaim[];

export function isClaimed(claims: Claims, name: string): boolean {
  return claims.some((claim) => claimCovers(claim, name));
}

/**
 * Leaves claimed properties out of what a client wants a new image to have. They speak of other
 * bytes: Nova copies every property of an image to the snapshots made from it.
 */
export function withoutClaimed(
  claims: Claims,
  properties: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(properties).filter(([name]) => !isClaimed(claims, name)),
  );
}

/** @throws {ForbiddenError} `PROPERTY_CLAIMED` */
export function assertUnclaimed(claims: Claims, name: string): void {
  if (!isClaimed(claims, name)) return;
  throw new ForbiddenError({
    code: 'PROPERTY_CLAIMED',
    message: `Property "${name}" is written by a plugin`,
    hint: 'Only an administrator may change it',
  });
}
