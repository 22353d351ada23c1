import sqlite3 from 'sqlite3';
import type { Statement } from 'sqlite3';

/** Prepared statements that a connection keeps at most. */
const KEPT = 256;

/** Statements that leave no rows behind them: one that did would stay under way and hold its snapshot. */
const KEEPABLE = /^(?:SELECT|WITH|INSERT|UPDATE|DELETE|BEGIN|COMMIT|ROLLBACK)\b/;

type Callback = (error: Error | null) => void;

/**
 * A connection that prepares a statement once and keeps it, those longest unused aside. The driver by
 * itself prepares and finalizes with each execution: two more ways to a thread and back, and the
 * reading of the text, for statements that are the same all day.
 */
class PreparingDatabase extends sqlite3.Database {
  readonly #statements = new Map<string, Statement>();

  override run(sql: string, ...rest: unknown[]): this {
    if (!KEEPABLE.test(sql)) return super.run(sql, ...rest);
    this.#prepared(sql, rest).run(...rest);
    return this;
  }

  override all(sql: string, ...rest: unknown[]): this {
    if (!KEEPABLE.test(sql)) return super.all(sql, ...rest);
    this.#prepared(sql, rest).all(...rest);
    return this;
  }

  /** SQLite closes no connection that has statements. */
  override close(callback?: Callback): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    super.close(callback);
  }

  #prepared(sql: string, rest: readonly unknown[]): Statement {
    const kept = this.#statements.get(sql);
    if (kept !== undefined) {
      this.#statements.delete(sql);
      this.#statements.set(sql, kept);
      return kept;
    }
    const statement = this.prepare(sql, (error: Error | null) => {
      if (error === null) return;
      // The call that waits for the statement is not answered by it any more.
      this.#statements.delete(sql);
      const callback = rest.at(-1);
      if (typeof callback === 'function') (callback as Callback).call(statement, error);
    });
    this.#statements.set(sql, statement);
    for (const [oldest, longestUnused] of this.#statements) {
      if (this.#statements.size <= KEPT) break;
      this.#statements.delete(oldest);
      longestUnused.finalize();
    }
    return statement;
  }
}

/**
 * SQLite's driver as TypeORM takes it. TypeORM asks for the one that keeps a stack trace of every
 * statement, which takes longer than a short statement does.
 */
export const DRIVER = {
  ...sqlite3,
  Database: PreparingDatabase,
  verbose(): object {
    return DRIVER;
  },
};
