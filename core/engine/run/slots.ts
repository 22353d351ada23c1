/** Counts how many imports are in each pipeline entry. */
export class Slots {
  readonly #taken = new Map<string, number>();

  /** Takes a place where one is free; answers how to give it back. */
  take(entry: string, limit: number): (() => void) | undefined {
    const taken = this.#taken.get(entry) ?? 0;
    if (taken >= limit) return undefined;
    this.#taken.set(entry, taken + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken.set(entry, (this.#taken.get(entry) ?? 1) - 1);
    };
  }
}
