import { describe, expect, it } from 'vitest';
import { openOutsider, openTestDatabase } from '../../test/support/database.js';
import { anImage } from '../../test/support/records.js';
import { rehearse } from './rehearsal.js';

describe('rehearse', () => {
  it('leaves every table as it was', async () => {
    const { database, path } = await openTestDatabase();
    await database.write((tx) => tx.insertImage(anImage()));
    const file = await openOutsider(path);
    const rows = async (): Promise<unknown> => {
      const tables = (await file.all(
        `SELECT "name" FROM "sqlite_master" WHERE "type" = 'table'`,
      )) as readonly { readonly name: string }[];
      const contents = tables.map(async ({ name }) => [
        name,
        await file.all(`SELECT * FROM "${name}"`),
      ]);
      return Object.fromEntries((await Promise.all(contents)) as [string, unknown][]);
    };
    const before = await rows();
    await rehearse(database, new Date());
    expect(await rows()).toEqual(before);
  });

  it('fails where the database does not take what an import writes', async () => {
    const { database, path } = await openTestDatabase();
    const file = await openOutsider(path);
    await file.all('ALTER TABLE "tasks" DROP COLUMN "reached"');
    await expect(rehearse(database, new Date())).rejects.toMatchObject({
      code: 'STATEMENT_FAILED',
    });
  });
});
