import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openOutsider, openTestDatabase, testDirectory } from '../../test/support/database.js';
import { anImage } from '../../test/support/records.js';
import { openDatabase } from './open.js';

describe('openDatabase', () => {
  it('keeps what was written for the next process', async () => {
    const file = path.join(await testDirectory(), 'stowage.db');
    const image = anImage({ tags: ['a'], properties: { os: 'linux' } });
    const first = await openDatabase({ path: file });
    await first.write((tx) => tx.insertImage(image));
    await first.close();
    const second = await openDatabase({ path: file });
    onTestFinished(() => second.close());
    expect(await second.read.image(image.id)).toEqual(image);
  });

  it('uses a write-ahead log in files that only this user may read', async () => {
    const { database, path: file } = await openTestDatabase();
    await database.write((tx) => tx.insertImage(anImage()));
    const outsider = await openOutsider(file);
    expect(await outsider.all('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) {
      expect((await stat(name)).mode & 0o777).toBe(0o600);
    }
  });

  it('refuses a database that a later version has changed', async () => {
    const { path: file, database } = await openTestDatabase();
    await database.close();
    const outsider = await openOutsider(file);
    await outsider.all(
      `INSERT INTO "migrations" ("timestamp", "name") VALUES (9999999999999, 'Later9999999999999')`,
    );
    await expect(openDatabase({ path: file })).rejects.toMatchObject({
      class: 'permanent',
      code: 'DATABASE_NEWER',
      message: expect.stringContaining('Later9999999999999') as string,
    });
  });

  it('refuses a file that is no database', async () => {
    const file = path.join(await testDirectory(), 'stowage.db');
    await writeFile(file, 'not a database '.repeat(100));
    await expect(openDatabase({ path: file })).rejects.toMatchObject({ code: 'DATABASE_BROKEN' });
  });

  it('names a path at which there can be no file', async () => {
    const file = path.join(await testDirectory(), 'missing', 'stowage.db');
    await expect(openDatabase({ path: file })).rejects.toMatchObject({
      code: 'DATABASE_BROKEN',
      message: `Cannot open the database "${file}"`,
    });
  });
});
