/** Counts how many imports are in each pipeline entry. */
export class Slots {
  /** By entry, then by import: how many tasks of it are there. */
  readonly #taken = new Map<string, Map<string, number>>();

  /**
   * Takes a place where one is free; answers how to give it back. Tasks of one import share theirs.
   */
  take(entry: string, limit: number, importId: string): (() => void) | undefined {
    const imports = this.#taken.get(entry) ?? new Map<string, number>();
    if (!imports.has(importId) && imports.size >= limit) return undefined;
    this.#taken.set(entry, imports.set(importId, (imports.get(importId) ?? 0) + 1));
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (imports.get(importId) ?? 1) - 1;
      if (left > 0) imports.set(importId, left);
      else imports.delete(importId);
    };
  }
}
