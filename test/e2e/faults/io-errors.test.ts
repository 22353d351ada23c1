import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { problemOf } from '../../support/problem.js';
import { FaultSite } from '../../support/faults/site.js';
import { Shim } from '../../support/faults/shim.js';
import type { Rule } from '../../support/faults/shim.js';
import { tempDir } from '../../support/temp-dir.js';

let directory: Awaited<ReturnType<typeof tempDir>>;
let shim: Shim;
let site: FaultSite;
beforeAll(async () => {
  directory = await tempDir();
  shim = await Shim.compile(directory.path);
  site = await FaultSite.open({ env: shim.environment });
});
afterAll(async () => {
  await shim.disarm();
  await site.close();
  await site[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

const STAGING = '/staging/data/';
const STORE = '/store/one/';
const ALL: Rule['operation'][] = ['write', 'sync'];

describe('a disk of staging that fails', () => {
  it.each(ALL)(
    'at %s refuses the upload, leaves nothing, and the next one works',
    async (operation) => {
      const { id } = await site.api.createImage();
      for (const how of ['stage', 'file'] as const) {
        await shim.arm({ operation, action: 'EIO', where: STAGING });
        const problem = problemOf(await site.api.send(id, how, site.image));
        expect(problem).toMatchObject({ status: 500, code: 'FILE_FAILED' });
        expect(problem.message).toContain('EIO: i/o error');
        await shim.disarm();
        expect((await site.api.image(id)).status).toBe('queued');
      }
      expect((await site.api.send(id, 'stage', site.image)).status).toBe(204);
      expect((await site.imported(id)).state).toBe('succeeded');
      await site.expectActive(id);
    },
  );

  it('at reading what a store is to get keeps the bytes for another import', async () => {
    const id = await site.staged();
    // Without a link the bytes have to be read.
    await shim.arm(
      { operation: 'link', action: 'EMLINK', where: STAGING },
      { operation: 'read', action: 'EIO', where: STAGING },
    );
    const failed = await site.imported(id);
    expect(failed).toMatchObject({
      state: 'failed',
      failure: { code: 'FILE_FAILED', store: 'one' },
    });
    await shim.disarm();
    expect((await site.api.image(id)).status).toBe('uploading');
    expect((await site.imported(id)).state).toBe('succeeded');
    await site.expectActive(id);
  });

  it('that writes less than it is asked to loses no byte', async () => {
    await shim.arm({ operation: 'write', action: 'SHORT', where: STAGING });
    const id = await site.staged();
    expect((await site.imported(id)).state).toBe('succeeded');
    await shim.disarm();
    await site.expectActive(id);
  });
});

describe('a disk of a store that fails', () => {
  const faults: [string, Rule[]][] = [
    ['linking', [{ operation: 'link', action: 'EIO', where: STORE }]],
    ['making the link durable', [{ operation: 'sync', action: 'EIO', where: STORE }]],
    [
      'writing a copy',
      [
        { operation: 'link', action: 'EMLINK', where: STAGING },
        { operation: 'write', action: 'EIO', where: STORE },
      ],
    ],
    ['being read-only', [{ operation: 'link', action: 'EROFS', where: STORE }]],
  ];
  it.each(faults)('at %s keeps the bytes for another import', async (_, rules) => {
    const id = await site.staged();
    await shim.arm(...rules);
    const failed = await site.imported(id);
    expect(failed).toMatchObject({
      state: 'failed',
      failure: { class: 'permanent', code: 'STORE_BROKEN', task: 'store', store: 'one' },
    });
    expect(failed.failure?.message).toMatch(/^Store "one" cannot .*: E(IO|ROFS): /);
    await shim.disarm();
    expect(await site.api.image(id)).toMatchObject({
      status: 'uploading',
      os_glance_failed_import: 'one',
    });
    expect((await site.imported(id)).state).toBe('succeeded');
    await site.expectActive(id);
  });

  it('while an image is deleted frees its bytes later', async () => {
    const id = await site.staged();
    await site.imported(id);
    await shim.arm({ operation: 'unlink', action: 'EIO', where: STORE });
    expect((await site.api.call('DELETE', `/v2/images/${id}`)).status).toBe(204);
    expect((await site.api.call('GET', `/v2/images/${id}`)).status).toBe(404);
    await shim.disarm();
    await site.restart();
  });

  it('while an image is read breaks the answer, and never ends it as if it were whole', async () => {
    const id = await site.staged();
    await site.imported(id);
    await shim.arm({ operation: 'read', action: 'EIO', where: STORE });
    const read = async () => {
      const answer = await fetch(`${site.api.url}/v2/images/${id}/file`);
      await answer.arrayBuffer();
      return answer.status;
    };
    const status = await read().catch(() => 'broken');
    expect(status).not.toBe(200);
    await shim.disarm();
    await site.expectActive(id);
  });

  it('that writes less than it is asked to loses no byte', async () => {
    const id = await site.staged();
    await shim.arm(
      { operation: 'link', action: 'EMLINK', where: STAGING },
      { operation: 'write', action: 'SHORT', where: STORE },
    );
    expect((await site.imported(id)).state).toBe('succeeded');
    await shim.disarm();
    await site.expectActive(id);
  });
});

describe('a disk of the database that fails', () => {
  it.each([
    ['write', 'EIO'],
    ['sync', 'EIO'],
    // As a file system answers that the kernel has made read-only after errors of its own.
    ['write', 'EROFS'],
  ] as const)(
    'at %s with %s refuses a change, and goes on without a restart when it is well again',
    async (operation, action) => {
      const id = await site.staged();
      await shim.arm({ operation, action, where: '/stowage.sqlite' });
      const refused = await site.api.call('POST', '/v2/images', { json: { name: 'x' } });
      expect(problemOf(refused)).toMatchObject({ status: 500, code: 'DATABASE_BROKEN' });
      const imported = await site.api.import(id, { method: { name: 'glance-direct' } });
      expect(problemOf(imported)).toMatchObject({ status: 500, code: 'DATABASE_BROKEN' });
      await shim.disarm();
      expect((await site.api.image(id)).status).toBe('uploading');
      expect((await site.imported(id)).state).toBe('succeeded');
      await site.expectActive(id);
    },
  );

  it('in the middle of an import leaves it to go on when the disk is well again', async () => {
    const id = await site.staged();
    const before = site.server.output().length;
    const accepted = await site.api.import(id, { method: { name: 'glance-direct' } });
    expect(accepted.status).toBe(202);
    await shim.arm({ operation: 'write', action: 'EROFS', where: '/stowage.sqlite' });
    await expect
      .poll(() => site.server.output().slice(before), { timeout: 20_000 })
      .toContain('Could not drive an import');
    await shim.disarm();
    expect((await site.api.finished(id)).state).toBe('succeeded');
    await site.expectActive(id);
  });

  it('when the server is killed meanwhile loses nothing', async () => {
    const id = await site.staged();
    const accepted = await site.api.import(id, { method: { name: 'glance-direct' } });
    expect(accepted.status).toBe(202);
    await shim.arm({ operation: 'write', action: 'EIO', where: '/stowage.sqlite' });
    await site.server.kill();
    await shim.disarm();
    await site.start();
    expect((await site.api.finished(id)).state).toBe('succeeded');
    await site.expectActive(id);
  });
});
