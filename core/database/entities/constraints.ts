/** SQL of a CHECK constraint: the column has one of the values, or is null. */
export function oneOf(column: string, values: readonly string[]): string {
  return `"${column}" IN (${values.map((value) => `'${value}'`).join(', ')})`;
}

/** Checked at COMMIT, so that rows may be inserted in any order within their transaction. */
export const DEFERRED = 'INITIALLY DEFERRED';
