import path from 'node:path';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testDirectory } from '../../test/support/database.js';
import { TransactionStatements } from './statements.js';

async function openPlain(): Promise<EntityManager> {
  const file = path.join(await testDirectory(), 'plain.db');
  const source = new DataSource({ type: 'sqlite', database: file });
  await source.initialize();
  onTestFinished(() => source.destroy());
  return source.manager;
}

describe('TransactionStatements', () => {
  it('writes nothing more once SQLite has rolled back by itself', async () => {
    const manager = await openPlain();
    await manager.query('CREATE TABLE t (a)');
    await manager.query('PRAGMA max_page_count = 3');
    await manager.query('BEGIN IMMEDIATE');
    const statements = new TransactionStatements(manager);
    const insert = (value: string): Promise<unknown> =>
      statements.run((inside) => inside.query(`INSERT INTO t VALUES (${value})`));
    await insert('1');
    await expect(insert('zeroblob(1000000)')).rejects.toMatchObject({ code: 'DATABASE_FULL' });
    await expect(insert('2')).rejects.toMatchObject({ code: 'DATABASE_FULL' });
    await expect(statements.endForCommit()).rejects.toMatchObject({ code: 'DATABASE_FULL' });
    await manager.query('ROLLBACK').catch(() => undefined);
    expect(await manager.query('SELECT * FROM t')).toEqual([]);
  });

  it('runs one call after another', async () => {
    const manager = await openPlain();
    const statements = new TransactionStatements(manager);
    const log: string[] = [];
    await Promise.all(
      ['a', 'b'].map((name) =>
        statements.run(async (inside) => {
          log.push(`${name} begins`);
          await inside.query('SELECT 1');
          log.push(`${name} ends`);
        }),
      ),
    );
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });
});
