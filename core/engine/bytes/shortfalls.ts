import { injectable } from 'inversify';
import type { PlannedWork } from '../flow/need.js';

/** Data of a task that grew until nothing was free. */
interface Shortfall {
  /** Bytes that they had come to need. */
  readonly bytes: number;
  /** The attempt that ended with it has not been judged yet. */
  readonly isNew: boolean;
}

/**
 * What nobody could foretell: the bytes that growing data of an import came to need when nothing was
 * free. Known to this process alone; after a restart it is found out anew.
 */
@injectable()
export class Shortfalls {
  readonly #known = new Map<string, Shortfall>();

  /** Remembers that data which a task makes came to need so many bytes, and found no room for them. */
  note(importId: string, bytes: number): void {
    const known = this.#known.get(importId)?.bytes ?? 0;
    if (bytes > known) this.#known.set(importId, { bytes, isNew: true });
  }

  /**
   * Whether the attempt that has just ended came to need more than was known: it will be admitted with
   * that, and comes further. Answers once for each time.
   */
  take(importId: string): boolean {
    const shortfall = this.#known.get(importId);
    if (shortfall?.isNew !== true) return false;
    this.#known.set(importId, { ...shortfall, isNew: false });
    return true;
  }

  /** The work with so many times what is known beside the workspace of its first task. */
  added(importId: string, work: readonly PlannedWork[], times: number): readonly PlannedWork[] {
    const shortfall = this.#known.get(importId);
    const [first, ...later] = work;
    if (shortfall === undefined || first === undefined) return work;
    return [{ ...first, workspace: first.workspace + times * shortfall.bytes }, ...later];
  }

  forget(importId: string): void {
    this.#known.delete(importId);
  }
}
