import sqlite3 from 'sqlite3';
import type { DataSourceOptions } from 'typeorm';
import { ENTITIES } from './entities/entities.js';
import { MIGRATIONS } from './migrations/migrations.js';

/**
 * SQLite's driver as it is. TypeORM asks for the one that keeps a stack trace of every statement, which
 * takes longer than a short statement does.
 */
const DRIVER = { ...sqlite3, verbose: () => sqlite3 };

/** How each of the two connections is opened. */
export function dataSourceOptions(path: string, busyTimeoutMs: number): DataSourceOptions {
  return {
    type: 'sqlite',
    database: path,
    driver: DRIVER,
    entities: ENTITIES,
    migrations: MIGRATIONS,
    synchronize: false,
    enableWAL: true,
    busyTimeout: busyTimeoutMs,
    // Left to its default, a condition that is undefined is dropped and the statement meets all rows.
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
  };
}
