import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import type { Answer } from '../../support/api-client.js';
import { digestOf, randomFile } from '../../support/images.js';
import { violations } from '../../support/invariants.js';
import { problemOf } from '../../support/problem.js';
import { startServer } from '../../support/server.js';
import type { TestServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';

const MIB = 1024 * 1024;
const CONFIG = `
log: { level: warn }
stores:
  - { id: one, driver: filesystem, path: store/one, default: true }
  - { id: two, driver: filesystem, path: store/two }
`;
const PATCH_TYPE = 'application/openstack-images-v2.1-json-patch';
const UNKNOWN = '11111111-2222-4333-8444-555555555555';

let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let server: TestServer;
let api: ApiClient;
let raw: string;
/** Of an image whose bytes are staged: nothing below may lose them. */
let staged: string;
let active: string;
let queued: string;

beforeAll(async () => {
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  raw = await randomFile(path.join(dir.path, 'raw'), MIB);
  server = await startServer({ dataDir, config });
  api = new ApiClient(server.url);
  staged = (await api.createImage()).id;
  await api.send(staged, 'stage', raw);
  active = (await api.createImage()).id;
  await api.send(active, 'file', raw);
  queued = (await api.createImage()).id;
});

afterAll(async () => {
  await api.import(staged, { method: { name: 'glance-direct' } });
  await api.finished(staged);
  const { status, os_hash_value } = await api.image(staged);
  expect([status, os_hash_value]).toEqual(['active', await digestOf(raw)]);
  expect((await api.image(queued)).status).toBe('queued');
  expect(await server.stop()).toBe(0);
  expect(await violations(dataDir, { acknowledged: new Set([staged, active]) })).toEqual([]);
  await dir[Symbol.asyncDispose]();
});

const json = { 'content-type': 'application/json' };
const patch = { 'content-type': PATCH_TYPE };

function patched(id: string, operations: unknown): Promise<Answer> {
  const body = JSON.stringify(operations);
  return api.call('PATCH', `/v2/images/${id}`, { headers: patch, body });
}

function imported(id: string, method: string, rest: object = {}): Promise<Answer> {
  return api.import(id, { method: { name: method }, ...rest });
}

describe('a bad request gets a status, a code and words that help', () => {
  it.each<[string, number, string, RegExp, () => Promise<Answer>]>([
    [
      'JSON that is none',
      400,
      'BODY_INVALID',
      /not JSON/,
      () => api.call('POST', '/v2/images', { headers: json, body: '{"name": ' }),
    ],
    [
      'bytes that are no UTF-8',
      400,
      'BODY_INVALID',
      /UTF-8/,
      () => api.call('POST', '/v2/images', { headers: json, body: Buffer.from([0x22, 0xff]) }),
    ],
    [
      'no body',
      400,
      'BODY_INVALID',
      /no body/,
      () => api.call('POST', `/v2/images/${staged}/import`),
    ],
    [
      'huge JSON that is announced',
      413,
      'BODY_TOO_LARGE',
      /larger than 1048576 bytes/,
      () => api.call('POST', '/v2/images', { headers: json, body: Buffer.alloc(8 * MIB, ' ') }),
    ],
    [
      'huge JSON in chunks',
      413,
      'BODY_TOO_LARGE',
      /larger than 1048576 bytes/,
      () =>
        api.call('POST', '/v2/images', {
          headers: json,
          body: Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(128 * 1024, ' '))),
        }),
    ],
    [
      'JSON that nests without end',
      400,
      'BODY_INVALID',
      /./,
      () => api.call('POST', '/v2/images', { headers: json, body: '['.repeat(500_000) }),
    ],
    [
      'another content type',
      415,
      'MEDIA_TYPE_UNSUPPORTED',
      /"text\/plain"/,
      () =>
        api.call('POST', '/v2/images', { headers: { 'content-type': 'text/plain' }, body: 'x' }),
    ],
    [
      'an unknown disk format',
      400,
      'ATTRIBUTE_INVALID',
      /disk_format.*floppy/,
      () => api.call('POST', '/v2/images', { json: { disk_format: 'floppy' } }),
    ],
    [
      'a patch of another content type',
      415,
      'MEDIA_TYPE_UNSUPPORTED',
      /application\/json/,
      () => api.call('PATCH', `/v2/images/${staged}`, { json: [] }),
    ],
    [
      'a patch that is no array',
      400,
      'PATCH_INVALID',
      /array of operations/,
      () => patched(staged, { op: 'add', path: '/a', value: 'b' }),
    ],
    [
      'a patch with an unknown operation',
      400,
      'PATCH_INVALID',
      /add, remove, replace/,
      () => patched(staged, [{ op: 'move', from: '/name', path: '/a' }]),
    ],
    [
      'a patch of what nobody may write',
      403,
      'PROPERTY_READ_ONLY',
      /status/,
      () => patched(staged, [{ op: 'replace', path: '/status', value: 'active' }]),
    ],
    [
      'a patch that removes what is not there',
      409,
      'PROPERTY_MISSING',
      /nowhere/,
      () => patched(staged, [{ op: 'remove', path: '/nowhere' }]),
    ],
    [
      'an unknown image',
      404,
      'IMAGE_NOT_FOUND',
      new RegExp(UNKNOWN),
      () => imported(UNKNOWN, 'glance-direct'),
    ],
    [
      'an unknown path',
      404,
      'ROUTE_NOT_FOUND',
      /\/v2\/imagez/,
      () => api.call('GET', '/v2/imagez'),
    ],
    [
      'an unknown HTTP method',
      405,
      'METHOD_NOT_ALLOWED',
      /"POST"/,
      () => api.call('POST', `/v2/images/${staged}`),
    ],
    [
      'a query that is none',
      400,
      'QUERY_INVALID',
      /"limit".*"many"/,
      () => api.call('GET', '/v2/images?limit=many'),
    ],
    [
      'an unknown import method',
      400,
      'METHOD_UNKNOWN',
      /"carrier-pigeon"/,
      () => imported(staged, 'carrier-pigeon'),
    ],
    [
      'an unknown key beside the method',
      400,
      'BODY_INVALID',
      /unknown key "stroes"/,
      () => imported(staged, 'glance-direct', { stroes: ['one'] }),
    ],
    [
      'an unknown parameter of the method',
      400,
      'METHOD_PARAMS',
      /uri/,
      () => api.import(staged, { method: { name: 'glance-direct', uri: 'http://a/' } }),
    ],
    [
      'a missing parameter of the method',
      400,
      'METHOD_PARAMS',
      /uri/,
      () => imported(queued, 'web-download'),
    ],
    [
      'an unknown store',
      409,
      'STORE_UNKNOWN',
      /"three"/,
      () => imported(staged, 'glance-direct', { stores: ['three'] }),
    ],
    [
      'stores and all stores',
      400,
      'STORES_AND_ALL_STORES',
      /either/,
      () => imported(staged, 'glance-direct', { stores: ['one'], all_stores: true }),
    ],
    [
      'a checksum that is none',
      400,
      'CHECKSUM_INVALID',
      /"sha256:abc"/,
      () => imported(staged, 'glance-direct', { checksum: 'sha256:abc' }),
    ],
    [
      'an import of what is not staged',
      409,
      'IMAGE_STATE',
      /"queued".*"uploading"/,
      () => imported(queued, 'glance-direct'),
    ],
    [
      'a download into what is staged',
      409,
      'IMAGE_STATE',
      /"uploading".*"queued"/,
      () =>
        api.import(staged, { method: { name: 'web-download', uri: 'https://example.org/disk' } }),
    ],
    [
      'a copy of what is not active',
      409,
      'IMAGE_STATE',
      /"queued".*"active"/,
      () => imported(queued, 'copy-image', { stores: ['two'] }),
    ],
    [
      'a copy to where it is',
      400,
      'ALREADY_IN_STORE',
      /"one"/,
      () => imported(active, 'copy-image', { stores: ['one'] }),
    ],
    ['a second stage', 409, 'IMAGE_STATE', /"uploading"/, () => api.send(staged, 'stage', raw)],
    ['a second upload', 409, 'IMAGE_STATE', /"active"/, () => api.send(active, 'file', raw)],
    [
      'an upload to what is staged',
      409,
      'IMAGE_STATE',
      /"uploading"/,
      () => api.send(staged, 'file', raw),
    ],
    [
      'a range beyond the end',
      416,
      'RANGE_NOT_SATISFIABLE',
      /1048576 bytes/,
      () =>
        api.call('GET', `/v2/images/${active}/file`, {
          headers: { range: `bytes=${MIB}-` },
        }),
    ],
    [
      'an unknown import',
      404,
      'IMPORT_NOT_FOUND',
      new RegExp(UNKNOWN),
      () => api.call('POST', `/stowage/v1/imports/${UNKNOWN}/cancel`),
    ],
    [
      'a cancel of what is over',
      409,
      'IMPORT_FINISHED',
      /"succeeded"/,
      async () => {
        const [done] = await api.imports(active);
        return api.call('POST', `/stowage/v1/imports/${done?.id ?? ''}/cancel`);
      },
    ],
  ])('%s: %i %s', async (_, status, code, message, ask) => {
    const answer = await ask();
    expect(problemOf(answer)).toMatchObject({
      status,
      code,
      message: expect.stringMatching(message) as string,
    });
    expect((await api.image(staged)).status).toBe('uploading');
  });

  it('says with a 416 how long the data is', async () => {
    const headers = { range: 'bytes=9999999-' };
    const answer = await api.call('GET', `/v2/images/${active}/file`, { headers });
    expect(answer.headers['content-range']).toBe(`bytes */${MIB}`);
  });

  it('does no part of a patch that is wrong in its last operation', async () => {
    const answer = await patched(staged, [
      { op: 'replace', path: '/name', value: 'half' },
      { op: 'add', path: '/half', value: 'done' },
      { op: 'replace', path: '/id', value: UNKNOWN },
    ]);
    expect(problemOf(answer).status).toBe(403);
    const image = await api.image(staged);
    expect(image['name']).toBe('test');
    expect(image).not.toHaveProperty('half');
  });
});
