import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openOutsider, openTestDatabase, testDirectory } from '../../test/support/database.js';
import { openDatabase } from './open.js';

const FACTS = { pid: 42, host: 'here' };

describe('startEpoch', () => {
  it('counts up over restarts, and passes over none that was rolled back', async () => {
    const file = path.join(await testDirectory(), 'stowage.db');
    const first = await openDatabase({ path: file });
    expect(await first.write((tx) => tx.startEpoch(new Date(1), FACTS))).toBe(1);
    const failed = first.write(async (tx) => {
      expect(await tx.startEpoch(new Date(2), FACTS)).toBe(2);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await first.close();
    const second = await openDatabase({ path: file });
    onTestFinished(() => second.close());
    expect(await second.write((tx) => tx.startEpoch(new Date(3), FACTS))).toBe(2);
    const rows = await (await openOutsider(file)).all('SELECT * FROM "worker_epochs"');
    expect(rows).toEqual([
      { epoch: 1, started_at: 1, ...FACTS },
      { epoch: 2, started_at: 3, ...FACTS },
    ]);
  });

  it('is higher than all before, also where their rows are gone', async () => {
    const { database, path: file } = await openTestDatabase();
    await database.write((tx) => tx.startEpoch(new Date(1), FACTS));
    await (await openOutsider(file)).all('DELETE FROM "worker_epochs"');
    expect(await database.write((tx) => tx.startEpoch(new Date(1), FACTS))).toBe(2);
  });
});
