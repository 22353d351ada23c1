import type { EntityManager } from 'typeorm';
import { BugError } from '../base/errors.js';
import type { StowageError } from '../base/errors.js';
import { Mutex } from '../base/mutex.js';
import { driverFailure, translateError } from './translate-error.js';

/** The one way by which repositories reach the database. */
export interface Sql {
  /**
   * Runs a few statements with none of another call between them.
   * @throws as {@link translateError} says
   */
  run<T>(statements: (manager: EntityManager) => Promise<T>): Promise<T>;
}

/**
 * The statements of one connection. They run one after another: each takes a thread of libuv's small
 * pool, and those that only wait for SQLite would hold up all file work.
 */
export class Statements implements Sql {
  readonly #turns = new Mutex();
  readonly #underWay = new Set<Promise<unknown>>();
  #ended = false;
  #begun = 0;

  /** `owner` names in errors what has ended: a sentence can begin with it. */
  constructor(
    private readonly manager: EntityManager,
    private readonly owner: string,
  ) {}

  get isIdle(): boolean {
    return this.length === 0;
  }

  /** How many wait or are under way. */
  get length(): number {
    return this.#underWay.size;
  }

  /** How many times statements were asked for. */
  get begun(): number {
    return this.#begun;
  }

  async run<T>(statements: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (this.#ended) {
      throw new BugError({
        code: 'DATABASE_CLOSED',
        message: `${this.owner} has ended: nothing can be read or written through it any more`,
      });
    }
    this.#begun += 1;
    const running = this.#turns.run(() => statements(this.manager));
    this.#underWay.add(running);
    try {
      return await running;
    } catch (error) {
      throw translateError(error);
    } finally {
      this.#underWay.delete(running);
    }
  }

  /**
   * Refuses further statements and waits for those under way, so that none is overtaken by what
   * comes next: COMMIT, ROLLBACK or the closing of the connection.
   */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#underWay);
  }
}

/**
 * The statements of one transaction. After a failure in which SQLite may have rolled back by itself,
 * every further one is refused: it would be committed at once, on its own.
 */
export class TransactionStatements implements Sql {
  readonly #statements: Statements;
  #failure: StowageError | undefined;

  constructor(manager: EntityManager) {
    this.#statements = new Statements(manager, 'The transaction');
  }

  get isIdle(): boolean {
    return this.#statements.isIdle;
  }

  get begun(): number {
    return this.#statements.begun;
  }

  run<T>(statements: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.#statements.run(async (manager) => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        return await statements(manager);
      } catch (error) {
        this.#failure = driverFailure(error);
        throw error;
      }
    });
  }

  /** Waits until nothing runs any more; call it before ROLLBACK. */
  end(): Promise<void> {
    return this.#statements.end();
  }

  /**
   * Ends the transaction for COMMIT.
   * @throws what a statement has failed with, caught by the work or not
   * @throws {BugError} `STATEMENT_NOT_AWAITED`
   */
  async endForCommit(): Promise<void> {
    const { isIdle } = this.#statements;
    await this.#statements.end();
    if (this.#failure !== undefined) throw this.#failure;
    if (isIdle) return;
    throw new BugError({
      code: 'STATEMENT_NOT_AWAITED',
      message: 'The work of a transaction has ended before its statements',
    });
  }
}
