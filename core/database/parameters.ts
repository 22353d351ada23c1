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
