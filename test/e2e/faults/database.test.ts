import { once } from 'node:events';
import path from 'node:path';
import sqlite3 from 'sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf } from '../../support/problem.js';
import { FaultSite } from '../../support/faults/site.js';

let site: FaultSite;
beforeAll(async () => {
  site = await FaultSite.open();
});
afterAll(async () => {
  await site.close();
  await site[Symbol.asyncDispose]();
});

/** Another program holds the write lock of the database meanwhile, as a shell may. */
async function whileLocked(work: () => Promise<void>): Promise<void> {
  const database = new sqlite3.Database(path.join(site.dataDir, 'stowage.sqlite'));
  await once(database, 'open');
  const run = (sql: string) =>
    new Promise<void>((resolve, reject) => {
      database.exec(sql, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  await run('PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE');
  try {
    await work();
  } finally {
    await run('ROLLBACK');
    await new Promise((resolve) => {
      database.close(resolve);
    });
  }
}

describe('a database that another program holds', () => {
  it('answers changes with 503 and when to come back, and reads as before', async () => {
    const id = await site.staged();
    await whileLocked(async () => {
      const refused = await site.api.call('POST', '/v2/images', { json: { name: 'x' } });
      expect(problemOf(refused)).toMatchObject({ status: 503, code: 'DATABASE_BUSY' });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect((await site.api.image(id)).status).toBe('uploading');
    });
    expect((await site.imported(id)).state).toBe('succeeded');
    await site.expectActive(id);
  });

  it('makes an import wait, not fail, however long that takes', async () => {
    const { id } = await site.api.createImage();
    const { id: other } = await site.api.createImage();
    const staged = await site.api.send(id, 'stage', site.image);
    expect(staged.status).toBe(204);
    const answer = await site.api.import(id, { method: { name: 'glance-direct' } });
    expect(answer.status).toBe(202);
    await whileLocked(async () => {
      // Two of its own patience, which is 5 s: what the import does meanwhile meets the lock.
      for (let round = 0; round < 2; round += 1) {
        const refused = await site.api.call('DELETE', `/v2/images/${other}`);
        expect(refused.status).toBe(503);
      }
    });
    expect((await site.api.finished(id)).state).toBe('succeeded');
    await site.expectActive(id);
  });

  it('refuses an upload that it cannot record, and leaves nothing of it', async () => {
    const { id } = await site.api.createImage();
    await whileLocked(async () => {
      for (const how of ['stage', 'file'] as const) {
        const refused = await site.api.send(id, how, site.image);
        expect(problemOf(refused)).toMatchObject({ status: 503, code: 'DATABASE_BUSY' });
      }
    });
    expect((await site.api.image(id)).status).toBe('queued');
    expect((await site.api.send(id, 'file', site.image)).status).toBe(204);
    await site.expectActive(id);
  });
});
