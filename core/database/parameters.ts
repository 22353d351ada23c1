/** Collects the values of a statement that is put together from parts, each under a name of its own. */
export class Parameters {
  readonly values: Record<string, unknown> = {};
  #count = 0;

  /** Answers the placeholder that stands for the value. */
  add(value: unknown): string {
    const name = `p${(this.#count += 1)}`;
    this.values[name] = value;
    return `:${name}`;
  }

  /** Placeholders of a list, in brackets. */
  addList(values: readonly unknown[]): string {
    return `(${values.map((value) => this.add(value)).join(', ')})`;
  }
}

/**
 * A statement as the driver takes it, with the values in the order of its places. Numbers too are bound
 * to places: the text of a statement stays the same, so that it is prepared once.
 */
export function withValues(sql: string, { values }: Parameters): [string, unknown[]] {
  const inOrder: unknown[] = [];
  const statement = sql.replaceAll(/:(p\d+)/g, (_, name: string) => {
    inOrder.push(values[name]);
    return '?';
  });
  return [statement, inOrder];
}
