import type fc from 'fast-check';
import type { JsonObject } from '../../core/base/json.js';

/** One kind of input that is made at random and judged. */
export interface FuzzTarget<Case> {
  readonly name: string;
  /** Share of all cases, against the weights of the other targets. */
  readonly weight: number;
  /** Makes cases; it also tells how to make a failing one smaller. */
  readonly cases: fc.Arbitrary<Case>;
  /** @throws {Broken} where the code under test does not keep what it promises */
  check(made: Case): Seen;
  /** The case without what it was made from, fit for a file. Runs nothing that is under test. */
  save(made: Case): JsonObject;
  /** As `check`, of a saved case. */
  replay(saved: JsonObject): void;
  /** Makes a saved case smaller, as long as it fails. */
  shrink?(saved: JsonObject, fails: (saved: JsonObject) => boolean): JsonObject;
}

/** What a case has reached, for the figures at the end. */
export type Seen = readonly string[];

/** A promise that was not kept. */
export class Broken extends Error {
  override readonly name = 'Broken';

  constructor(
    /** A word for the promise, which stays the same while the case is made smaller. */
    readonly promise: string,
    message: string,
  ) {
    super(`${promise}: ${message}`);
  }
}

/** Fails with `promise` unless it holds. */
export function promise(name: string, holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new Broken(name, message());
}

/** The promise that is not kept, or the words of another error; `undefined` where all is well. */
export function broken(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof Broken) return error.promise;
    return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 60) : String(error);
  }
}
