import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultSite } from '../../support/faults/site.js';

const PLUGIN = path.resolve(import.meta.dirname, '../../fixtures/faulty-store');

const CONFIG = `
log: { level: warn, format: json }
stores:
  - { id: good, driver: filesystem, path: store/good, default: true }
  - { id: other, driver: filesystem, path: store/other }
  - { id: faulty, driver: '${PLUGIN}', directory: faulty, fault: fault }
imports:
  retry: { attempts: 2, backoff: 100 ms, max_backoff: 200 ms }
  methods: [glance-direct, copy-image]
  pipeline:
    - stage
    - introspect
    - virtual-size
    - { plugin: store, timeout: 5 s }
`;

let site: FaultSite;
const arm = (fault: string) => writeFile(path.join(site.dataDir, 'fault'), fault);
const objects = () => readdir(path.join(site.dataDir, 'faulty'));

beforeAll(async () => {
  site = await FaultSite.open({
    config: CONFIG,
    prepare: async (dataDir) => {
      await mkdir(dataDir, { recursive: true });
      await writeFile(path.join(dataDir, 'fault'), 'none');
    },
  });
});
afterAll(async () => {
  await site.close();
  await site[Symbol.asyncDispose]();
});

/** Deletes are done in the background. */
async function nothingLeft(): Promise<void> {
  while ((await objects()).length > 0) await site.api.quiet();
}

describe('a store that fails midway', () => {
  const faults: [string, object][] = [
    ['transient', { class: 'transient', code: 'STORE_UNAVAILABLE' }],
    ['permanent', { class: 'permanent', code: 'STORE_BROKEN' }],
    ['bug', { class: 'bug', code: 'INTERNAL' }],
    ['hang', { class: 'permanent', code: 'TASK_TIMEOUT' }],
    ['stubborn', { class: 'permanent', code: 'TASK_TIMEOUT' }],
  ];

  it.each(faults)(
    '(%s) undoes the others, and keeps the bytes for another import',
    async (fault, failure) => {
      await arm(fault);
      const id = await site.staged();
      const failed = await site.imported(id, { all_stores: true });
      expect(failed).toMatchObject({
        state: 'failed',
        failure: { ...failure, task: 'store', store: 'faulty' },
      });
      const attempts = failed.tasks.find(({ store }) => store === 'faulty')?.attempt;
      expect(attempts).toBe(fault === 'transient' ? 2 : 1);
      expect(await site.api.image(id)).toMatchObject({
        status: 'uploading',
        os_glance_failed_import: 'good,other,faulty',
      });
      await arm('none');
      if (fault !== 'stubborn') await nothingLeft();
      expect((await site.imported(id, { all_stores: true })).state).toBe('succeeded');
      await site.expectActive(id);
      expect((await site.api.image(id))['stores']).toBe('good,other,faulty');
      await site.api.call('DELETE', `/v2/images/${id}`);
      await nothingLeft();
    },
  );

  it.each(['permanent', 'hang'])(
    '(%s) leaves the image active in the others where it may',
    async (fault) => {
      await arm(fault);
      const id = await site.staged();
      const partly = await site.imported(id, { all_stores: true, all_stores_must_succeed: false });
      expect(partly.state).toBe('succeeded');
      expect(partly.tasks.map(({ store, state }) => [store, state]).slice(-3)).toEqual([
        ['good', 'succeeded'],
        ['other', 'succeeded'],
        ['faulty', 'failed'],
      ]);
      expect(await site.api.image(id)).toMatchObject({
        status: 'active',
        stores: 'good,other',
        os_glance_failed_import: 'faulty',
        os_glance_importing_to_stores: '',
      });
      await nothingLeft();
      await arm('none');
      const copy = { method: { name: 'copy-image' }, all_stores: true };
      expect((await site.imported(id, copy)).state).toBe('succeeded');
      expect(await site.api.image(id)).toMatchObject({
        stores: 'good,other,faulty',
        os_glance_failed_import: '',
      });
      await site.api.call('DELETE', `/v2/images/${id}`);
      await nothingLeft();
    },
  );

  it('leaves an image as it was when it is a copy that fails', async () => {
    await arm('permanent');
    const id = await site.staged();
    await site.imported(id);
    const copy = { method: { name: 'copy-image' }, stores: ['other', 'faulty'] };
    expect((await site.imported(id, copy)).state).toBe('failed');
    expect(await site.api.image(id)).toMatchObject({
      status: 'active',
      stores: 'good',
      os_glance_failed_import: 'other,faulty',
    });
    await site.expectActive(id);
    await site.api.call('DELETE', `/v2/images/${id}`);
    await nothingLeft();
  });

  it('goes on after the server is killed meanwhile', async () => {
    await arm('hang');
    const id = await site.staged();
    await site.api.import(id, { method: { name: 'glance-direct' }, all_stores: true });
    while ((await objects()).length === 0) await site.api.imports(id);
    await site.server.kill();
    await arm('none');
    await site.start();
    expect((await site.api.finished(id)).state).toBe('succeeded');
    expect((await site.api.image(id))['stores']).toBe('good,other,faulty');
    await site.api.call('DELETE', `/v2/images/${id}`);
    await nothingLeft();
  });
});
