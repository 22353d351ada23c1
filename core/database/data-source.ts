import type { DataSourceOptions } from 'typeorm';
import { DRIVER } from './driver.js';
import { ENTITIES } from './entities/entities.js';
import { MIGRATIONS } from './migrations/migrations.js';

/** How each of the connections is opened. */
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
