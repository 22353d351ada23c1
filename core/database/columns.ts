/** The columns of a row, as a plain object. */
export type Columns<Row> = { [Name in keyof Row]: Row[Name] };

/** The members that are not `undefined`: what a change of a row names. */
export function defined<T extends object>(
  value: T,
): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  // `fromEntries` forgets the types of the members that it keeps.
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  };
}

/** `map(value)`, or `undefined` where a change does not name the value. */
export function ifDefined<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}
