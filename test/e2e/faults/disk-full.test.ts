import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { problemOf } from '../../support/problem.js';
import { FaultSite } from '../../support/faults/site.js';
import { smallDisk } from '../../support/faults/small-disk.js';
import type { SmallDisk } from '../../support/faults/small-disk.js';

const MIB = 1024 * 1024;

/** A server of whose data dir one part lies on a disk of its own. */
async function siteWithDisk(below: string, size = 32 * MIB) {
  const disks: SmallDisk[] = [];
  const site = await FaultSite.open({
    prepare: async (dataDir) => {
      disks.push(await smallDisk(path.join(dataDir, below), `${dataDir}.ext4`, size));
    },
  });
  const [disk] = disks;
  if (disk === undefined) throw new Error('There is no disk');
  return {
    site,
    disk,
    async [Symbol.asyncDispose]() {
      const { process } = site.server;
      if (process.exitCode === null && process.signalCode === null) await site.server.kill();
      await disk[Symbol.asyncDispose]();
      await site[Symbol.asyncDispose]();
    },
  };
}

describe('a full disk of staging', () => {
  it('refuses an upload with 503, leaves the image queued, and takes it when there is room', async () => {
    await using place = await siteWithDisk('staging');
    const { site, disk } = place;
    const { id } = await site.api.createImage();
    await disk.fill(1 * MIB);
    for (const how of ['stage', 'file'] as const) {
      const answer = await site.api.send(id, how, site.image);
      expect(problemOf(answer)).toMatchObject({ status: 503, code: 'STAGING_DISK_FULL' });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect((await site.api.image(id)).status).toBe('queued');
    }
    await disk.free();
    expect((await site.api.send(id, 'stage', site.image)).status).toBe(204);
    expect((await site.imported(id)).state).toBe('succeeded');
    await site.expectActive(id);
    await site.close();
  });
});

describe('a full disk of a store', () => {
  it('keeps the staged bytes, so that the import works when there is room', async () => {
    await using place = await siteWithDisk('store/one');
    const { site, disk } = place;
    const id = await site.staged();
    await disk.fill(1 * MIB);
    const failed = await site.imported(id);
    expect(failed).toMatchObject({
      state: 'failed',
      failure: { class: 'capacity', code: 'STORE_FULL', task: 'store', store: 'one' },
    });
    expect(failed.failure?.message).toContain('no space left on device');
    expect((await site.api.image(id)).status).toBe('uploading');
    // The other store is not concerned.
    const other = await site.staged();
    expect((await site.imported(other, { stores: ['two'] })).state).toBe('succeeded');
    await site.restart();
    await disk.free();
    expect((await site.imported(id)).state).toBe('succeeded');
    await site.expectActive(id);
    await site.close();
  });

  it('lets an image be active in the other store where one may fail', async () => {
    await using place = await siteWithDisk('store/two');
    const { site, disk } = place;
    const id = await site.staged();
    await disk.fill(1 * MIB);
    const partly = await site.imported(id, { all_stores: true, all_stores_must_succeed: false });
    expect(partly.state).toBe('succeeded');
    expect(await site.api.image(id)).toMatchObject({
      stores: 'one',
      os_glance_failed_import: 'two',
      os_glance_importing_to_stores: '',
    });
    await site.expectActive(id);
    await disk.free();
    const copy = { method: { name: 'copy-image' }, all_stores: true };
    expect((await site.imported(id, copy)).state).toBe('succeeded');
    expect(await site.api.image(id)).toMatchObject({
      stores: 'one,two',
      os_glance_failed_import: '',
    });
    await site.close();
  });
});

describe('a full disk of the database', () => {
  it('refuses changes with 503 and loses nothing; an import under way goes on', async () => {
    await using place = await siteWithDisk('.', 24 * MIB);
    const { site, disk } = place;
    const id = await site.staged();
    const { id: second } = await site.api.createImage();
    await disk.fill();
    const refused = await whileFull(() =>
      site.api.call('POST', '/v2/images', { json: { name: 'x'.repeat(200) } }),
    );
    expect(problemOf(refused)).toMatchObject({ status: 503, code: 'DATABASE_FULL' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await site.api.image(second)).status).toBe('queued');
    await disk.free();
    expect((await site.imported(id)).state).toBe('succeeded');
    await site.expectActive(id);
    await site.close();

    /** What SQLite has allocated before is used up first. */
    async function whileFull(send: () => ReturnType<typeof site.api.call>) {
      for (;;) {
        const answer = await send();
        if (answer.status !== 201) return answer;
      }
    }
  });
});
