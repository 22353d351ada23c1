import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApplication } from '../../../core/application.js';
import type { Application } from '../../../core/application.js';
import { loadConfig } from '../../../core/config/load.js';
import { ApiClient } from '../../support/api-client.js';
import { violations } from '../../support/invariants.js';
import { problemOf } from '../../support/problem.js';
import { httpRig, memberOf, trustingHeaders } from '../../support/http-rig.js';
import { tempDir } from '../../support/temp-dir.js';

const BYTES = randomBytes(2 * 1024 * 1024 + 512);
const SHA512 = createHash('sha512').update(BYTES).digest('hex');
const OCTETS = { 'content-type': 'application/octet-stream' };

const CONFIG = `
stores:
  - { id: one, driver: filesystem, path: store/one }
  - { id: two, driver: filesystem, path: store/two }
  - { id: three, driver: filesystem, path: store/three }
imports:
  retry: { attempts: 20, backoff: 200 ms, max_backoff: 400 ms }
log: { level: error, format: json }
`;

let directory: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let application: Application;
let api: ApiClient;

beforeEach(async () => {
  directory = await tempDir();
  dataDir = path.join(directory.path, 'data');
  await writeFile(path.join(directory.path, 'stowage.yaml'), CONFIG);
  await start();
});
afterEach(async () => {
  await api.quiet();
  await application.stop();
  expect(await violations(dataDir)).toEqual([]);
  await directory[Symbol.asyncDispose]();
});

async function start(): Promise<void> {
  const file = path.join(directory.path, 'stowage.yaml');
  application = await createApplication(loadConfig({ env: {}, file, flags: { dataDir, port: 0 } }));
  api = new ApiClient((await application.start()).url);
}

async function active(store = 'one'): Promise<string> {
  const { id } = await api.createImage();
  const headers = { ...OCTETS, 'x-image-meta-store': store };
  const sent = await api.call('PUT', `/v2/images/${id}/file`, { headers, body: BYTES });
  expect(sent.status).toBe(204);
  return id;
}

const remove = (store: string, id: string) => api.call('DELETE', `/v2/stores/${store}/${id}`);
const storesOf = async (id: string) =>
  String((await api.image(id))['stores'])
    .split(',')
    .toSorted();
const copy = (id: string, request: object) =>
  api.import(id, { method: { name: 'copy-image' }, ...request });

describe('copy-image', () => {
  it('copies to every store that has not got the image, and then to none', async () => {
    const id = await active('two');
    const before = await api.image(id);
    expect((await copy(id, { all_stores: true })).status).toBe(202);
    expect((await api.finished(id)).state).toBe('succeeded');
    expect(await storesOf(id)).toEqual(['one', 'three', 'two']);
    const { checksum, os_hash_value, size, status } = before;
    expect(await api.image(id)).toMatchObject({ checksum, os_hash_value, size, status });
    const again = await copy(id, { all_stores: true });
    expect([again.status, again.headers['location']]).toEqual([202, undefined]);
    expect(await api.imports(id)).toHaveLength(2);
  });

  it('refuses a store that has the image, and one that there is not', async () => {
    const id = await active('two');
    const there = await copy(id, { stores: ['one', 'two'] });
    expect(problemOf(there)).toMatchObject({ status: 400, code: 'ALREADY_IN_STORE' });
    const unknown = await copy(id, { stores: ['nine'] });
    expect(problemOf(unknown)).toMatchObject({ status: 409, code: 'STORE_UNKNOWN' });
    const both = await copy(id, { stores: ['one'], all_stores: true });
    expect(both.status).toBe(400);
    expect(await storesOf(id)).toEqual(['two']);
  });
});

describe('DELETE /v2/stores/{store}/{image}', () => {
  it('removes the bytes from that store alone, never from the last', async () => {
    const id = await active('one');
    await copy(id, { stores: ['two'] });
    await api.finished(id);
    expect(problemOf(await remove('three', id))).toMatchObject({
      status: 404,
      code: 'NOT_IN_STORE',
    });
    expect((await remove('one', id)).status).toBe(204);
    expect(await storesOf(id)).toEqual(['two']);
    expect(problemOf(await remove('one', id))).toMatchObject({ status: 404, code: 'NOT_IN_STORE' });
    const last = problemOf(await remove('two', id));
    expect(last).toMatchObject({ status: 403, code: 'LAST_LOCATION' });
    const answer = await fetch(`${api.url}/v2/images/${id}/file`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(createHash('sha512').update(bytes).digest('hex')).toBe(SHA512);
    // It can come back.
    await copy(id, { stores: ['one'] });
    await api.finished(id);
    expect(await storesOf(id)).toEqual(['one', 'two']);
  });

  it('lets one of two removals at once be the last', async () => {
    const id = await active('one');
    await copy(id, { stores: ['two'] });
    await api.finished(id);
    const answers = await Promise.all(['one', 'two'].map((store) => remove(store, id)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 403]);
    expect(await storesOf(id)).toHaveLength(1);
  });

  it('answers 409 to a store that there is not and to an image that is not active', async () => {
    const { id } = await api.createImage();
    expect(problemOf(await remove('nine', id))).toMatchObject({
      status: 409,
      code: 'STORE_UNKNOWN',
    });
    expect(problemOf(await remove('one', id))).toMatchObject({ status: 409, code: 'IMAGE_STATE' });
    const absent = '00000000-0000-4000-8000-000000000000';
    expect(problemOf(await remove('one', absent))).toMatchObject({ status: 404 });
  });

  it('is for administrators, and for several stores', async () => {
    await using rig = await httpRig({ config: trustingHeaders, stores: ['one', 'two'] });
    const created = await rig.api.call('POST', '/v2/images', {
      headers: memberOf('owner'),
      json: { visibility: 'community' },
    });
    const { id } = created.body as { id: string };
    const url = `/v2/stores/one/${id}`;
    const other = await rig.api.call('DELETE', url, { headers: memberOf('owner') });
    expect(problemOf(other)).toMatchObject({ status: 403, code: 'POLICY_DENIED' });
    const admin = await rig.api.call('DELETE', url, { headers: memberOf('ops', 'admin') });
    expect(problemOf(admin)).toMatchObject({ status: 409, code: 'IMAGE_STATE' });
    await using single = await httpRig({ stores: ['one'] });
    const none = await single.api.call('DELETE', url);
    expect(problemOf(none)).toMatchObject({ status: 404, code: 'SINGLE_STORE' });
  });
});

describe('a store that is down at start', () => {
  const root = () => path.join(dataDir, 'store', 'two');

  /** As a file system that is not mounted: the directory is there, and empty. */
  async function restartWithoutTwo(): Promise<void> {
    await application.stop();
    await rename(root(), `${root()}.away`);
    await mkdir(root());
    await start();
  }

  async function bringBack(): Promise<void> {
    await rm(root(), { recursive: true });
    await rename(`${root()}.away`, root());
  }

  it('is said so, others work, and what waits for it goes on when it is back', async () => {
    const id = await active('two');
    await restartWithoutTwo();

    const detail = (await api.call('GET', '/v2/info/stores/detail')).body;
    expect(detail).toMatchObject({
      stores: [
        { id: 'one' },
        { id: 'two', outage: { code: 'STORE_UNAVAILABLE' } },
        { id: 'three' },
      ],
    });
    const read = await api.call('GET', `/v2/images/${id}/file`);
    expect(problemOf(read)).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
    expect(read.text).not.toContain(dataDir);
    const other = await active('one');

    expect((await copy(other, { stores: ['two', 'three'] })).status).toBe(202);
    const waits = await waiting(other);
    expect(waits).toContain('Store "two" cannot be used for now');
    expect(waits).not.toContain(dataDir);
    expect(await api.image(other)).toMatchObject({ os_glance_importing_to_stores: 'two' });

    await bringBack();
    expect((await api.finished(other)).state).toBe('succeeded');
    expect(await storesOf(other)).toEqual(['one', 'three', 'two']);
    const answer = await fetch(`${api.url}/v2/images/${id}/file`);
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  });

  it('fails an import to it alone where others may succeed, with the reason', async () => {
    await active('two');
    await application.stop();
    await writeFile(
      path.join(directory.path, 'stowage.yaml'),
      CONFIG.replace('attempts: 20', 'attempts: 2'),
    );
    await restartWithoutTwo();
    const { id } = await api.createImage();
    await api.call('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: BYTES });
    await api.import(id, {
      method: { name: 'glance-direct' },
      all_stores: true,
      all_stores_must_succeed: false,
    });
    const { state, tasks } = await api.finished(id);
    expect(state).toBe('succeeded');
    expect(tasks.filter(({ store }) => store !== null)).toMatchObject([
      { store: 'one', state: 'succeeded' },
      { store: 'two', state: 'failed', failure: { code: 'STORE_UNAVAILABLE' } },
      { store: 'three', state: 'succeeded' },
    ]);
    expect(await api.image(id)).toMatchObject({
      status: 'active',
      os_glance_importing_to_stores: '',
      os_glance_failed_import: 'two',
    });

    // All or nothing: the bytes stay, and go in once the store is back.
    const whole = (await api.createImage()).id;
    await api.call('PUT', `/v2/images/${whole}/stage`, { headers: OCTETS, body: BYTES });
    const request = { method: { name: 'glance-direct' }, all_stores: true };
    await api.import(whole, request);
    expect(await api.finished(whole)).toMatchObject({
      state: 'failed',
      failure: { class: 'transient', code: 'STORE_UNAVAILABLE', store: 'two' },
    });
    expect(await api.image(whole)).toMatchObject({
      status: 'uploading',
      os_glance_failed_import: 'one,two,three',
    });
    await bringBack();
    await becomesUsable('two');
    await api.import(whole, request);
    expect((await api.finished(whole)).state).toBe('succeeded');
    expect(await storesOf(whole)).toEqual(['one', 'three', 'two']);
  });

  /** Why the newest import of an image waits, as soon as it does. */
  async function waiting(imageId: string): Promise<string> {
    for (;;) {
      const [newest] = await api.imports(imageId);
      const task = newest?.tasks.find(({ store, reason }) => store === 'two' && reason !== null);
      const others = newest?.tasks.filter(({ store }) => store !== 'two') ?? [];
      const alone = others.every(({ state }) => ['succeeded', 'skipped'].includes(state));
      if (task?.reason != null && alone) return task.reason;
    }
  }

  async function becomesUsable(id: string): Promise<void> {
    for (;;) {
      const { body } = await api.call('GET', '/v2/info/stores/detail');
      const { stores } = body as { stores: { id: string; outage?: unknown }[] };
      if (stores.find((store) => store.id === id)?.outage === undefined) return;
    }
  }
});
