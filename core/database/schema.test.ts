import { DataSource } from 'typeorm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dataSourceOptions } from './data-source.js';
import { MIGRATIONS } from './migrations/migrations.js';

async function openEmpty(): Promise<DataSource> {
  const source = new DataSource(dataSourceOptions(':memory:', 1));
  await source.initialize();
  onTestFinished(() => source.destroy());
  return source;
}

async function objects(source: DataSource): Promise<readonly string[]> {
  const rows: { name: string }[] = await source.query(
    `SELECT "name" FROM "sqlite_master" WHERE "name" NOT LIKE 'sqlite_%' ORDER BY "name"`,
  );
  return rows.map(({ name }) => name);
}

describe('migrations', () => {
  it('lead from an empty file to the schema that the entities describe', async () => {
    const source = await openEmpty();
    await source.runMigrations({ transaction: 'each' });
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('have the CHECK constraints and partial indices that the entities name', async () => {
    const source = await openEmpty();
    await source.runMigrations({ transaction: 'each' });
    const runner = source.createQueryRunner();
    for (const metadata of source.entityMetadatas) {
      const table = await runner.getTable(metadata.tableName);
      const bare = (text: string | undefined): string =>
        (text ?? '').replace(/^\(|\)$/g, '').trim();
      const checks = (from: readonly { name?: string; expression?: string }[]): unknown =>
        from.map(({ name, expression }) => `${String(name)}: ${bare(expression)}`).sort();
      const indices = (from: readonly { name?: string; where?: string }[]): unknown =>
        from.map(({ name, where }) => `${String(name)}: ${where ?? ''}`).sort();
      const wanted = metadata.checks.map(({ name, expression }) => ({
        name,
        expression: `(${expression})`,
      }));
      expect(checks(table?.checks ?? [])).toEqual(checks(wanted));
      expect(indices(table?.indices ?? [])).toEqual(indices(metadata.indices));
    }
  });

  it('lead back to an empty file', async () => {
    const source = await openEmpty();
    await source.runMigrations({ transaction: 'each' });
    expect(await objects(source)).toContain('images');
    for (const migration of MIGRATIONS) {
      expect(migration).toBeDefined();
      await source.undoLastMigration({ transaction: 'each' });
    }
    expect(await objects(source)).toEqual(['migrations']);
  });

  it('can be run again after they were undone', async () => {
    const source = await openEmpty();
    await source.runMigrations({ transaction: 'each' });
    const before = await objects(source);
    await source.undoLastMigration({ transaction: 'each' });
    await source.runMigrations({ transaction: 'each' });
    expect(await objects(source)).toEqual(before);
  });
});
