import type { DataSource, QueryRunner } from 'typeorm';
import { BugError, PermanentError } from '../base/errors.js';
import { Mutex } from '../base/mutex.js';
import type { Database, Reader, Transaction } from '../engine/ports.js';
import { NotifyingTransaction } from './notifications/notifying-transaction.js';
import type { WantsNotification } from './notifications/notifying-transaction.js';
import { SqliteReader } from './reader.js';
import type { ReadingConnections } from './reading-connections.js';
import { TransactionStatements } from './statements.js';
import { SqliteTransaction } from './transaction.js';
import { translateError } from './translate-error.js';
import { unlessStuck } from './unless-stuck.js';

/** A database that somebody has to close. */
export interface OpenDatabase extends Database {
  /** Waits for what is under way and closes the file; further calls fail. May be repeated. */
  close(): Promise<void>;
}

/** Has changes told of. */
export interface Notify {
  readonly wants: WantsNotification;
  /** Called when there are new notifications to read. */
  readonly committed: () => void;
}

/**
 * A few connections to one SQLite file. All repositories of a TypeORM data source share one
 * connection, on which overlapping transactions nest and lose rows: so one connection writes, one
 * transaction at a time, and the others only read, and see what is committed.
 */
export class SqliteDatabase implements OpenDatabase {
  readonly read: Reader;
  readonly #writes = new Mutex();
  readonly #runner: QueryRunner;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly writing: DataSource,
    private readonly reading: ReadingConnections,
    private readonly idleTimeoutMs: number,
    private readonly notify: Notify | undefined,
  ) {
    this.#runner = writing.createQueryRunner();
    this.read = new SqliteReader(reading);
  }

  /**
   * @throws {BugError} `TRANSACTION_STUCK` when `work` waits for what is no statement, such as another
   *   write, which waits for this one · `STATEMENT_NOT_AWAITED` · `DATABASE_CLOSED`
   * @throws as {@link translateError} says, where BEGIN or COMMIT fails; nothing is written then
   */
  async write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) {
      throw new BugError({ code: 'DATABASE_CLOSED', message: 'The database is closed' });
    }
    return this.#writes.run(() => this.#transaction(work));
  }

  isTold(type: string): boolean {
    return this.notify?.wants(type) ?? false;
  }

  close(): Promise<void> {
    this.#closing ??= this.#writes.run(async () => {
      await this.reading.close();
      await this.writing.destroy();
    });
    return this.#closing;
  }

  async #transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const statements = new TransactionStatements(this.writing.manager);
    try {
      // Not TypeORM's own, which begins deferred and fails at once when it must wait to write.
      await this.#runner.query('BEGIN IMMEDIATE');
      const notifying = this.notify && new NotifyingTransaction(statements, this.notify.wants);
      const working = work(notifying ?? new SqliteTransaction(statements));
      const result = await unlessStuck(working, statements, this.idleTimeoutMs);
      await statements.endForCommit();
      await this.#commit();
      if (notifying !== undefined && notifying.written > 0) this.notify?.committed();
      return result;
    } catch (error) {
      await statements.end();
      await this.#rollback(error);
      throw translateError(error);
    }
  }

  async #commit(): Promise<void> {
    try {
      await this.#runner.query('COMMIT');
    } catch (error) {
      if (!String(error).includes('FOREIGN KEY constraint failed')) throw error;
      const rows: unknown = await this.#runner.query('PRAGMA foreign_key_check');
      throw new BugError({
        code: 'CONSTRAINT_VIOLATED',
        message: `Rows refer to others that do not exist: ${JSON.stringify(rows)}`,
        cause: error,
      });
    }
  }

  /** After some failures SQLite has rolled back already. */
  async #rollback(reason: unknown): Promise<void> {
    try {
      await this.#runner.query('ROLLBACK');
    } catch (error) {
      if (String(error).includes('no transaction is active')) return;
      throw new PermanentError({
        code: 'DATABASE_BROKEN',
        message: 'A transaction could not be rolled back',
        hint: 'Restart the server: unfinished transactions are undone when the database is opened',
        cause: new AggregateError([reason, error]),
      });
    }
  }
}
