import type { EntityManager } from 'typeorm';
import { BugError } from '../base/errors.js';
import { isDriverFailure, translateError } from './translate-error.js';

/** The one way by which repositories reach the database. */
export interface Sql {
  /** @throws as {@link translateError} says */
  run<T>(statement: (manager: EntityManager) => Promise<T>): Promise<T>;
}

/**
 * The statements of one transaction, or of one connection's life. Knows which are under way, so that
 * none of them is overtaken by COMMIT, ROLLBACK or the closing of the connection and then runs
 * outside its transaction.
 */
export class Statements implements Sql {
  readonly #underWay = new Set<Promise<unknown>>();
  #ended = false;
  #failure: unknown;

  /** `owner` names in errors what has ended: a sentence can begin with it. */
  constructor(
    private readonly manager: EntityManager,
    private readonly owner: string,
  ) {}

  /** The first failure after which SQLite may have rolled back by itself; `undefined` without one. */
  get failure(): unknown {
    return this.#failure;
  }

  get idle(): boolean {
    return this.#underWay.size === 0;
  }

  async run<T>(statement: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (this.#ended) {
      throw new BugError({
        code: 'DATABASE_CLOSED',
        message: `${this.owner} has ended: nothing can be read or written through it any more`,
      });
    }
    const running = statement(this.manager);
    this.#underWay.add(running);
    try {
      return await running;
    } catch (error) {
      if (isDriverFailure(error)) this.#failure ??= translateError(error);
      throw translateError(error);
    } finally {
      this.#underWay.delete(running);
    }
  }

  /** Refuses further statements and waits for those under way. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#underWay);
  }
}
