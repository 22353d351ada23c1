import { open } from 'node:fs/promises';
import { DataSource } from 'typeorm';
import { PermanentError } from '../base/errors.js';
import { dataSourceOptions } from './data-source.js';
import { ReadingConnections } from './reading-connections.js';
import { SqliteDatabase } from './sqlite-database.js';
import type { Notify, OpenDatabase } from './sqlite-database.js';
import { translateError } from './translate-error.js';

/** Milliseconds for which a statement waits where another program holds the file. */
const BUSY_TIMEOUT = 5_000;
const IDLE_TIMEOUT = 10_000;

/** Connections that read. */
const READERS = 4;

export interface DatabaseOptions {
  /** File; created with what it needs, readable by this user alone, where it is missing. */
  readonly path: string;
  /** Milliseconds. @default 5000 */
  readonly busyTimeoutMs?: number;
  /** Milliseconds for which a transaction may be open with no statement under way. @default 10000 */
  readonly idleTimeoutMs?: number;
  /** @default nobody is told of changes */
  readonly notify?: Notify;
}

/**
 * Opens the database and brings its schema up to date. The caller holds the data directory's lock:
 * two processes must not migrate at once.
 * @throws {PermanentError} `DATABASE_NEWER` when a later version of Stowage has written it ·
 *   `DATABASE_BROKEN` when it cannot be opened
 */
export async function openDatabase({
  path,
  busyTimeoutMs = BUSY_TIMEOUT,
  idleTimeoutMs = IDLE_TIMEOUT,
  notify,
}: DatabaseOptions): Promise<OpenDatabase> {
  const writing = new DataSource(dataSourceOptions(path, busyTimeoutMs));
  const reading = Array.from(
    { length: READERS },
    () => new DataSource(dataSourceOptions(path, busyTimeoutMs)),
  );
  try {
    await createPrivateFile(path);
    await writing.initialize();
    await writing.query('PRAGMA synchronous = FULL');
    await assertNotNewer(writing);
    await writing.runMigrations({ transaction: 'each' });
    for (const source of reading) {
      await source.initialize();
      await source.query('PRAGMA query_only = ON');
    }
    return new SqliteDatabase(writing, new ReadingConnections(reading), idleTimeoutMs, notify);
  } catch (error) {
    for (const source of [writing, ...reading]) if (source.isInitialized) await source.destroy();
    throw translateError(error);
  }
}

/** SQLite gives the mode of the file to its `-wal` and `-shm` as well. */
async function createPrivateFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'a', 0o600);
    await file.close();
  } catch (cause) {
    throw new PermanentError({
      code: 'DATABASE_BROKEN',
      message: `Cannot open the database "${path}"`,
      hint: 'Check that its directory exists and is writable for this user',
      cause,
    });
  }
}

async function assertNotNewer(source: DataSource): Promise<void> {
  const runner = source.createQueryRunner();
  if (!(await runner.hasTable('migrations'))) return;
  const known = new Set(source.migrations.map(({ name }) => name));
  const applied: { name: string }[] = await source.query('SELECT "name" FROM "migrations"');
  const unknown = applied.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  if (unknown.length === 0) return;
  throw new PermanentError({
    code: 'DATABASE_NEWER',
    message: `The database "${String(source.options.database)}" has changes that this version does not know: ${unknown.join(', ')}`,
    hint: 'Start the version of Stowage that wrote it, or restore a backup from before',
  });
}
