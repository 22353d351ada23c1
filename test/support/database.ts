import path from 'node:path';
import sqlite3 from 'sqlite3';
import { onTestFinished } from 'vitest';
import { openDatabase } from '../../core/database/open.js';
import type { DatabaseOptions } from '../../core/database/open.js';
import type { OpenDatabase } from '../../core/database/sqlite-database.js';
import { tempDir } from './temp-dir.js';

/** A database of its own for the running test, closed and removed after it. */
export async function openTestDatabase(
  options: Omit<DatabaseOptions, 'path'> = {},
): Promise<{ readonly database: OpenDatabase; readonly path: string }> {
  const file = path.join(await testDirectory(), 'stowage.db');
  const database = await openDatabase({ path: file, ...options });
  onTestFinished(() => database.close());
  return { database, path: file };
}

/** An empty directory for the running test, removed after it. */
export async function testDirectory(): Promise<string> {
  const directory = await tempDir();
  onTestFinished(() => directory[Symbol.asyncDispose]());
  return directory.path;
}

/** What another program that opens the file can do with it. */
export interface Outsider {
  all(sql: string): Promise<readonly Record<string, unknown>[]>;
}

/** Opens the file beside the database under test, as an operator's shell does. */
export async function openOutsider(file: string): Promise<Outsider> {
  const connection = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened = new sqlite3.Database(file, (error) => {
      if (error === null) resolve(opened);
      else reject(error);
    });
  });
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        connection.close(() => {
          resolve();
        });
      }),
  );
  return {
    all: (sql) =>
      new Promise((resolve, reject) => {
        connection.all<Record<string, unknown>>(sql, (error, rows) => {
          if (error === null) resolve(rows);
          else reject(error);
        });
      }),
  };
}
