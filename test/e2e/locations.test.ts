import { mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import type { Answer, ImageDocument } from '../support/api-client.js';
import { serveFiles } from '../support/file-server.js';
import type { FileServer } from '../support/file-server.js';
import { memberOf } from '../support/http-rig.js';
import { digestOf, qcow2File } from '../support/images.js';
import { violations } from '../support/invariants.js';
import { problemOf } from '../support/problem.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const MIB = 1024 * 1024;
const CONFIG = `
log: { level: warn }
auth: { mode: headers }
images: { show_locations: true, show_direct_url: true, change_locations: true }
stores:
  - { id: disk, driver: filesystem, path: store/disk, default: true }
  - { id: other, driver: filesystem, path: store/other }
  - { id: web, driver: http, allow: [127.0.0.0/8] }
imports:
  methods: [glance-direct, copy-image]
  pipeline:
    - stage
    - introspect
    - virtual-size
    - { plugin: convert, config: { output_format: raw } }
    - store
`;
const owner = memberOf('one');
const service = { ...memberOf('service', 'service'), 'x-user-id': 'nova' };

let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let server: TestServer;
let web: FileServer;
let api: ApiClient;
let disk: string;
let sha512: string;

beforeAll(async () => {
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  const files = path.join(dir.path, 'files');
  await mkdir(files);
  disk = await qcow2File(path.join(files, 'disk.qcow2'), 8 * MIB, MIB);
  sha512 = await digestOf(disk);
  web = await serveFiles(files);
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  server = await startServer({ dataDir, config });
  api = new ApiClient(server.url);
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
  expect(await violations(dataDir)).toEqual([]);
  await web[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

async function queued(diskFormat = 'qcow2'): Promise<string> {
  const json = { name: 'located', disk_format: diskFormat, container_format: 'bare' };
  const { body } = await api.call('POST', '/v2/images', { json, headers: owner });
  return (body as ImageDocument).id;
}

function register(id: string, json: unknown, who = owner): Promise<Answer> {
  return api.call('POST', `/v2/images/${id}/locations`, { json, headers: who });
}

async function show(id: string, who = owner): Promise<ImageDocument> {
  return (await api.call('GET', `/v2/images/${id}`, { headers: who })).body as ImageDocument;
}

/** Waits for the end of the registration that an answer has begun. */
async function ended({ headers }: Answer): Promise<unknown> {
  const where = String(headers['location']);
  await api.call('GET', `${where}/events`, { headers: owner });
  return ((await api.call('GET', where, { headers: owner })).body as { state: string }).state;
}

describe('registering a location', () => {
  it('judges the bytes, leaves them where they are, and serves them from there', async () => {
    const id = await queued();
    const url = `${web.url}/disk.qcow2`;
    const answer = await register(id, {
      url,
      validation_data: { os_hash_algo: 'sha512', os_hash_value: sha512 },
    });
    expect([answer.status, answer.body]).toEqual([202, { url, metadata: { store: 'web' } }]);
    expect(await ended(answer)).toBe('succeeded');
    expect(await show(id)).toMatchObject({
      status: 'active',
      disk_format: 'qcow2',
      virtual_size: 8 * MIB,
      os_hash_algo: 'sha512',
      os_hash_value: sha512,
      checksum: await digestOf(disk, 'md5'),
      stores: 'web',
      direct_url: url,
      locations: [{ url, metadata: { store: 'web' } }],
    });
    const bytes = await readFile(disk);
    const whole = await fetch(`${server.url}/v2/images/${id}/file`, { headers: owner });
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const part = await fetch(`${server.url}/v2/images/${id}/file`, {
      headers: { ...owner, range: 'bytes=10-29' },
    });
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(10, 30));
    const tasks = await api.call('GET', `/v2/images/${id}/tasks`, { headers: owner });
    expect((tasks.body as { tasks: { type: string }[] }).tasks.map(({ type }) => type)).toEqual([
      'location_import',
    ]);
    await api.call('DELETE', `/v2/images/${id}`, { headers: owner });
    expect(await digestOf(disk)).toBe(sha512);
  });

  it('refuses bytes of another digest, and the image can be used again', async () => {
    const id = await queued();
    const url = `${web.url}/disk.qcow2`;
    const wanted = { os_hash_algo: 'sha256', os_hash_value: '0'.repeat(64) };
    expect(await ended(await register(id, { url, validation_data: wanted }))).toBe('failed');
    expect(await show(id)).toMatchObject({ status: 'queued', size: null, locations: [] });
    expect(await ended(await register(id, { url }))).toBe('succeeded');
  });

  it('refuses bytes of another format', async () => {
    const id = await queued('vmdk');
    expect(await ended(await register(id, { url: `${web.url}/disk.qcow2` }))).toBe('failed');
    expect(await show(id)).toMatchObject({ status: 'queued', locations: [] });
  });

  it('tells services alone where the bytes are, and nothing to strangers', async () => {
    const id = await queued();
    const url = `${web.url}/disk.qcow2`;
    await ended(await register(id, { url }));
    const list = (who: Record<string, string>) =>
      api.call('GET', `/v2/images/${id}/locations`, { headers: who });
    const told = await list({ ...service, 'x-roles': 'service,admin' });
    expect([told.status, told.body]).toEqual([200, [{ url, metadata: { store: 'web' } }]]);
    expect((await list(owner)).status).toBe(403);
    expect((await list(memberOf('two'))).status).toBe(404);
    const json = [{ op: 'replace', path: '/visibility', value: 'community' }];
    await api.call('PATCH', `/v2/images/${id}`, {
      headers: { ...owner, 'content-type': 'application/openstack-images-v2.1-json-patch' },
      body: JSON.stringify(json),
    });
    const stranger = await show(id, memberOf('two'));
    expect(stranger.status).toBe('active');
    expect(stranger).not.toHaveProperty('locations');
    expect(stranger).not.toHaveProperty('direct_url');
  });

  it.each<[string, unknown, number, string]>([
    ['no URL', {}, 400, 'BODY_INVALID'],
    ['a path', { url: '/etc/passwd' }, 400, 'LOCATION_SCHEME'],
    ['a file of the server', { url: 'file:///etc/passwd' }, 400, 'LOCATION_SCHEME'],
    ['another member', { url: 'http://a/', password: 'x' }, 400, 'BODY_INVALID'],
    [
      'a digest of another length',
      { url: 'http://a/', validation_data: { os_hash_algo: 'sha256', os_hash_value: 'ab' } },
      400,
      'CHECKSUM_INVALID',
    ],
    [
      'an algorithm that there is not',
      { url: 'http://a/', validation_data: { os_hash_algo: 'crc', os_hash_value: 'ab' } },
      400,
      'METHOD_PARAMS',
    ],
  ])('refuses %s', async (_, body, status, code) => {
    const id = await queued();
    expect(problemOf(await register(id, body))).toMatchObject({ status, code });
    expect((await show(id)).status).toBe('queued');
  });

  it('is for queued images of the own project', async () => {
    const id = await queued();
    const url = `${web.url}/disk.qcow2`;
    expect((await register(id, { url }, memberOf('two'))).status).toBe(404);
    expect((await register(id, { url }, memberOf('one', 'reader'))).status).toBe(403);
    await ended(await register(id, { url }));
    expect(problemOf(await register(id, { url })).code).toBe('IMAGE_STATE');
  });

  it('says what is the matter when the bytes are gone', async () => {
    const gone = path.join(dir.path, 'files', 'gone.qcow2');
    await writeFile(gone, await readFile(disk));
    const id = await queued();
    await ended(await register(id, { url: `${web.url}/gone.qcow2` }));
    await unlink(gone);
    const answer = await api.call('GET', `/v2/images/${id}/file`, { headers: owner });
    expect(answer.status).toBe(503);
  });
});

describe('changing locations with PATCH', () => {
  const admin = memberOf('one', 'member,admin');
  const patch = (id: string, operations: unknown, who = owner): Promise<Answer> =>
    api.call('PATCH', `/v2/images/${id}`, {
      headers: { ...who, 'content-type': 'application/openstack-images-v2.1-json-patch' },
      body: JSON.stringify(operations),
    });
  const add = (id: string, value: unknown, who = owner): Promise<Answer> =>
    patch(id, [{ op: 'add', path: '/locations/-', value }], who);

  it('answers with the image active when its bytes are judged', async () => {
    const id = await queued();
    const url = `${web.url}/disk.qcow2`;
    const answer = await add(id, { url, metadata: { rack: '7' } });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: 'active',
      virtual_size: 8 * MIB,
      os_hash_value: sha512,
      locations: [{ url, metadata: { rack: '7', store: 'web' } }],
    });
    expect(problemOf(await add(id, { url, metadata: {} }))).toMatchObject({
      status: 409,
      code: 'HAS_LOCATIONS',
    });
  });

  it('replaces nothing by the same, and leaves the last one', async () => {
    const id = await queued();
    const url = `${web.url}/disk.qcow2`;
    const replace = (value: unknown) => patch(id, [{ op: 'replace', path: '/locations', value }]);
    expect((await replace([])).status).toBe(200);
    const first = await replace([{ url, metadata: {} }]);
    expect(first.body).toMatchObject({ status: 'active' });
    const { locations } = first.body as ImageDocument;
    expect((await replace(locations)).body).toMatchObject({ locations });
    const noted = await replace([{ url, metadata: { rack: '7' } }]);
    expect(noted.body).toMatchObject({
      locations: [{ url, metadata: { rack: '7', store: 'web' } }],
    });
    expect((await replace([{ url, metadata: {} }])).body).toMatchObject({ locations });
    for (const others of [[], [{ url: `${url}#other`, metadata: {} }]]) {
      expect(problemOf(await replace(others)).code).toBe('LOCATIONS_CHANGED');
    }
    const remove = (index: number, who: Record<string, string>) =>
      patch(id, [{ op: 'remove', path: `/locations/${index}` }], who);
    expect((await remove(0, owner)).status).toBe(403);
    expect(problemOf(await remove(0, admin)).code).toBe('LAST_LOCATION');
    expect(problemOf(await remove(7, admin)).code).toBe('LOCATION_UNKNOWN');
    expect((await remove(7, memberOf('two'))).status).toBe(404);
    expect(await show(id)).toMatchObject({ status: 'active', locations });
  });

  it('removes one of several, with its bytes', async () => {
    const id = await queued('raw');
    await api.call('PUT', `/v2/images/${id}/file`, {
      headers: {
        ...owner,
        'content-type': 'application/octet-stream',
        'x-image-meta-store': 'disk',
      },
      body: Buffer.alloc(MIB, 7),
    });
    const copied = await api.call('POST', `/v2/images/${id}/import`, {
      headers: admin,
      json: { method: { name: 'copy-image' }, stores: ['other'] },
    });
    expect(await ended(copied)).toBe('succeeded');
    const { locations } = await show(id);
    expect(locations).toHaveLength(2);
    const answer = await patch(id, [{ op: 'remove', path: '/locations/0' }], admin);
    expect(answer.body).toMatchObject({ stores: 'other', status: 'active' });
    const bytes = await fetch(`${server.url}/v2/images/${id}/file`, { headers: owner });
    expect((await bytes.arrayBuffer()).byteLength).toBe(MIB);
  });

  it('says why bytes are refused, and leaves the image as it was', async () => {
    const id = await queued();
    const wanted = { os_hash_algo: 'sha256', os_hash_value: '0'.repeat(64) };
    const url = `${web.url}/disk.qcow2`;
    const answer = await add(id, { url, metadata: {}, validation_data: wanted });
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'CHECKSUM_MISMATCH' });
    expect(await show(id)).toMatchObject({ status: 'queued', locations: [] });
  });

  it.each<[string, unknown, number, string]>([
    ['a file of the server', { url: 'file:///etc/passwd' }, 400, 'LOCATION_SCHEME'],
    ['a scheme of no store', { url: 'gopher://a/' }, 400, 'LOCATION_SCHEME'],
    ['much metadata', { url: 'http://a/', metadata: { a: 'x'.repeat(5000) } }, 400, 'BODY_INVALID'],
    ['a text', 'http://a/', 400, 'BODY_INVALID'],
    ['no URL', { metadata: {} }, 400, 'BODY_INVALID'],
  ])('refuses %s', async (_, value, status, code) => {
    const id = await queued();
    expect(problemOf(await add(id, value))).toMatchObject({ status, code });
    expect((await show(id)).status).toBe('queued');
  });

  it.each<[string, unknown]>([
    ['a place that is none', [{ op: 'add', path: '/locations/first', value: {} }]],
    ['the whole of them removed', [{ op: 'remove', path: '/locations' }]],
    [
      'them among other changes',
      [
        { op: 'replace', path: '/name', value: 'x' },
        { op: 'replace', path: '/locations', value: [] },
      ],
    ],
  ])('refuses %s', async (_, operations) => {
    const id = await queued();
    expect(problemOf(await patch(id, operations))).toMatchObject({
      status: 400,
      code: 'PATCH_INVALID',
    });
    expect((await show(id))['name']).toBe('located');
  });

  it('is not for others, nor for readers', async () => {
    const id = await queued();
    const value = { url: `${web.url}/disk.qcow2`, metadata: {} };
    expect((await add(id, value, memberOf('two'))).status).toBe(404);
    expect((await add(id, value, memberOf('one', 'reader'))).status).toBe(403);
  });
});
