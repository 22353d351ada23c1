/** A property name, or a prefix that ends in `*`, that only one plugin may write. */
export type PropertyClaim = string;

/** Whether a claim covers the property. */
export function claimCovers(claim: PropertyClaim, property: string): boolean {
  return claim.endsWith('*') ? property.startsWith(claim.slice(0, -1)) : property === claim;
}

/** Whether some property is covered by both claims. */
export function claimsOverlap(a: PropertyClaim, b: PropertyClaim): boolean {
  const [stemA, stemB] = [stem(a), stem(b)];
  return claimCovers(a, stemB) || claimCovers(b, stemA);
}

function stem(claim: PropertyClaim): string {
  return claim.endsWith('*') ? claim.slice(0, -1) : claim;
}
