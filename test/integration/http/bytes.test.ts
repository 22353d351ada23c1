import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApplication } from '../../../core/application.js';
import type { Application } from '../../../core/application.js';
import { loadConfig } from '../../../core/config/load.js';
import { ApiClient } from '../../support/api-client.js';
import { openFiles } from '../../support/open-files.js';
import { tempDir } from '../../support/temp-dir.js';

const OCTETS = { 'content-type': 'application/octet-stream' };
const BYTES = randomBytes(3 * 1024 * 1024);
const SHA512 = createHash('sha512').update(BYTES).digest('hex');
const MD5 = createHash('md5').update(BYTES).digest('hex');

const CONFIG = `
stores:
  - { id: fast, driver: filesystem, path: fast, default: true }
  - { id: slow, driver: filesystem, path: slow }
log: { level: error }
`;

/** The whole server, in this process. */
let directory: Awaited<ReturnType<typeof tempDir>>;
let application: Application;
let api: ApiClient;

beforeAll(async () => {
  directory = await tempDir();
  const file = path.join(directory.path, 'stowage.yaml');
  await writeFile(file, CONFIG);
  const flags = { dataDir: path.join(directory.path, 'data'), port: 0 };
  application = await createApplication(loadConfig({ env: {}, file, flags }));
  api = new ApiClient((await application.start()).url);
});
afterAll(async () => {
  await application.stop();
  await directory[Symbol.asyncDispose]();
});

const put = (id: string, how: 'file' | 'stage', headers: Record<string, string> = {}) =>
  api.call('PUT', `/v2/images/${id}/${how}`, { headers: { ...OCTETS, ...headers }, body: BYTES });

/** Where a store keeps the bytes of an image. */
async function fileIn(store: string, imageId: string): Promise<string> {
  const root = path.join(directory.path, 'data', store);
  const files = await readdir(root, { recursive: true });
  const file = files.find((name) => path.basename(path.dirname(name)) === imageId);
  return path.join(root, file ?? '');
}

const code = (body: unknown) => (body as { error: { code: string } }).error.code;

describe('PUT and GET …/file', () => {
  it('keep the bytes, with their digests, in the store that was chosen', async () => {
    const { id } = await api.createImage();
    expect((await api.call('GET', `/v2/images/${id}/file`)).status).toBe(204);
    expect((await put(id, 'file', { 'x-image-meta-store': 'slow' })).status).toBe(204);
    const image = await api.image(id);
    expect(image).toMatchObject({
      status: 'active',
      size: BYTES.length,
      checksum: MD5,
      os_hash_algo: 'sha512',
      os_hash_value: SHA512,
      stores: 'slow',
    });
    expect(image).not.toHaveProperty('os_glance_failed_import');

    const whole = await fetch(`${api.url}/v2/images/${id}/file`);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(BYTES.length),
      'content-md5': MD5,
      'accept-ranges': 'bytes',
    });
    expect(BYTES.equals(Buffer.from(await whole.arrayBuffer()))).toBe(true);
    expect((await put(id, 'file')).status).toBe(409);
    expect((await put(id, 'stage')).status).toBe(409);
  });

  it('give any one range', async () => {
    const { id } = await api.createImage();
    await put(id, 'file');
    const url = `${api.url}/v2/images/${id}/file`;
    const size = BYTES.length;
    for (const [header, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=1000000-2000000', 1_000_000, 2_000_001],
      [`bytes=${size - 5}-`, size - 5, size],
      ['bytes=-7', size - 7, size],
    ] as const) {
      const answer = await fetch(url, { headers: { range: header } });
      expect(answer.status).toBe(206);
      expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${size}`);
      expect(BYTES.subarray(start, end).equals(Buffer.from(await answer.arrayBuffer()))).toBe(true);
    }
    const beyond = await fetch(url, { headers: { range: `bytes=${size}-` } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
    expect((await fetch(url, { headers: { range: 'bytes=0-1,3-4' } })).status).toBe(400);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)]);
  });

  it('come from another store where the first has lost them', async () => {
    const { id } = await api.createImage();
    await put(id, 'stage');
    await api.import(id, { method: { name: 'glance-direct' }, all_stores: true });
    expect((await api.finished(id)).state).toBe('succeeded');
    await rm(await fileIn('fast', id));
    const answer = await fetch(`${api.url}/v2/images/${id}/file`);
    expect(BYTES.equals(Buffer.from(await answer.arrayBuffer()))).toBe(true);
    await rm(await fileIn('slow', id));
    const none = await api.call('GET', `/v2/images/${id}/file`);
    expect([none.status, code(none.body)]).toEqual([503, 'STORE_UNAVAILABLE']);
  });

  it('break off where the disk has lost the end of them, instead of ending as if they were whole', async () => {
    const { id } = await api.createImage();
    await put(id, 'file');
    await truncate(await fileIn('fast', id), BYTES.length - 1);
    const answer = await fetch(`${api.url}/v2/images/${id}/file`);
    await expect(answer.arrayBuffer()).rejects.toThrow();
  });

  it('leave no file open when the client goes away in the middle', async () => {
    const { id } = await api.createImage();
    const body = randomBytes(24 * 1024 * 1024);
    await api.call('PUT', `/v2/images/${id}/file`, { headers: OCTETS, body });
    const file = await fileIn('fast', id);
    const isOpen = () => openFiles(directory.path).includes(file);
    const client = new AbortController();
    const answer = await fetch(`${api.url}/v2/images/${id}/file`, { signal: client.signal });
    await answer.body?.getReader().read();
    // More than sockets hold is still to come.
    expect(isOpen()).toBe(true);
    client.abort();
    await vi.waitUntil(() => !isOpen());
  });

  it('refuse bytes that are not what was declared, and leave the image queued', async () => {
    const { id } = await api.createImage({ disk_format: 'qcow2' });
    expect((await put(id, 'file')).status).toBe(415);
    expect(await api.image(id)).toMatchObject({ status: 'queued', size: null });
  });

  it('refuse bytes of another number than was said', async () => {
    const { id } = await api.createImage();
    const answer = await fetch(`${api.url}/v2/images/${id}/file`, {
      method: 'PUT',
      headers: { ...OCTETS, 'x-openstack-image-size': String(BYTES.length + 1) },
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(BYTES);
          controller.close();
        },
      }),
      duplex: 'half',
    });
    expect([answer.status, code(await answer.json())]).toEqual([400, 'SIZE_MISMATCH']);
    expect((await api.image(id)).status).toBe('queued');
  });
});

describe('PUT …/stage and POST …/import', () => {
  const METHOD = { method: { name: 'glance-direct' } };

  it('make an image active in all stores, and show each step as an event', async () => {
    const { id } = await api.createImage();
    expect((await put(id, 'stage')).status).toBe(204);
    expect((await api.image(id)).status).toBe('uploading');
    const plan = await api.call('POST', `/stowage/v1/images/${id}/plan`, {
      json: { ...METHOD, all_stores: true },
    });
    expect(plan.body).toMatchObject({
      method: 'glance-direct',
      stores: ['fast', 'slow'],
      tasks: expect.arrayContaining([
        expect.objectContaining({ name: 'store', store: 'slow', skip: null }),
      ]) as unknown,
    });
    expect((await api.image(id)).status).toBe('uploading');

    const answer = await api.call('POST', `/v2/images/${id}/import`, {
      json: { ...METHOD, all_stores: true, checksum: `sha512:${SHA512}` },
      headers: { 'idempotency-key': 'once' },
    });
    expect([answer.status, answer.text]).toEqual([202, '']);
    const location = String(answer.headers['location']);
    const events = (await api.call('GET', `${location}/events`)).text;
    expect(events).toMatch(/^event: import\.running$/m);
    expect(events).toMatch(/^event: import\.succeeded$/m);
    expect((await api.call('GET', location)).body).toMatchObject({
      image_id: id,
      state: 'succeeded',
      failure: null,
    });
    expect(await api.image(id)).toMatchObject({
      status: 'active',
      stores: 'fast,slow',
      os_hash_value: SHA512,
      os_glance_importing_to_stores: '',
      os_glance_failed_import: '',
    });

    const again = await api.call('POST', `/v2/images/${id}/import`, {
      json: { ...METHOD, all_stores: true, checksum: `sha512:${SHA512}` },
      headers: { 'idempotency-key': 'once' },
    });
    expect([again.status, again.headers['location']]).toEqual([202, location]);
  });

  it('fail with the reason when the checksum is another', async () => {
    const { id } = await api.createImage();
    await put(id, 'stage');
    const answer = await api.import(id, { ...METHOD, checksum: `md5:${'0'.repeat(32)}` });
    expect(answer.status).toBe(202);
    const document = await api.finished(id);
    expect(document).toMatchObject({ state: 'failed', failure: { code: 'CHECKSUM_MISMATCH' } });
    const task = (await api.call('GET', `/v2/tasks/${document.id}`)).body;
    expect(task).toMatchObject({ status: 'failure' });
    const cancel = await api.call('POST', `/stowage/v1/imports/${document.id}/cancel`);
    expect([cancel.status, code(cancel.body)]).toEqual([409, 'IMPORT_FINISHED']);
  });

  it.each<[number, string, Record<string, unknown>]>([
    [409, 'STORE_UNKNOWN', { ...METHOD, stores: ['nowhere'] }],
    [400, 'STORES_AND_ALL_STORES', { ...METHOD, stores: ['fast'], all_stores: true }],
    [400, 'METHOD_UNKNOWN', { method: { name: 'upload' } }],
    [409, 'IMAGE_STATE', { method: { name: 'copy-image' }, stores: ['slow'] }],
  ])('answer %i %s', async (status, expected, body) => {
    const { id } = await api.createImage();
    await put(id, 'stage');
    const answer = await api.import(id, body);
    expect([answer.status, code(answer.body)]).toEqual([status, expected]);
  });

  it('copy an active image to another store, which is then shown behind the first', async () => {
    const { id } = await api.createImage();
    await put(id, 'file');
    expect(
      (await api.import(id, { method: { name: 'copy-image' }, stores: ['slow'] })).status,
    ).toBe(202);
    expect((await api.finished(id)).state).toBe('succeeded');
    expect(await api.image(id)).toMatchObject({ status: 'active', stores: 'fast,slow' });
    const other = await api.createImage();
    await put(other.id, 'file', { 'x-image-meta-store': 'slow' });
    await api.import(other.id, { method: { name: 'copy-image' }, stores: ['fast'] });
    await api.finished(other.id);
    expect(await api.image(other.id)).toMatchObject({ stores: 'slow,fast' });
  });

  it('refuse an address at once, and keep no import of it', async () => {
    const { id } = await api.createImage();
    const uri = 'file:///etc/passwd';
    const refused = await api.import(id, { method: { name: 'web-download', uri } });
    expect(refused.status).toBe(400);
    expect(await api.imports(id)).toEqual([]);
  });
});
