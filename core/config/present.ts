/** Leaves out the keys that are `undefined`. */
export function present<T extends object>(value: {
  readonly [K in keyof T]?: T[K] | undefined;
}): Partial<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as Partial<T>;
}
