import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
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
/** Of 8 MiB nine tenths are for data that comes in. */
const CONFIG = `
log: { level: error }
stores: [{ id: one, driver: filesystem, path: store/one }]
staging: { capacity: 8 MiB }
`;
const OCTETS = { 'content-type': 'application/octet-stream' };

let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let server: TestServer;
let api: ApiClient;

beforeAll(async () => {
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  server = await startServer({ dataDir, config });
  api = new ApiClient(server.url);
});

afterAll(async () => {
  await api.quiet();
  expect(await server.stop()).toBe(0);
  expect(await violations(dataDir)).toEqual([]);
  await dir[Symbol.asyncDispose]();
});

/** Asks again and again until the image has that status; the test's own time limit ends it. */
async function becomes(id: string, status: string): Promise<void> {
  while ((await api.image(id)).status !== status);
}

/** Bytes that are dropped go in the background: until then the answer is 503, as for anybody. */
async function whenThereIsRoom(send: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await send();
    if (answer.status !== 503) return answer;
    expect(problemOf(answer).code).toBe('STAGING_FULL');
  }
}

/** The answer to an upload of which not one byte comes. */
async function announced(id: string, how: string, size: number): Promise<Answer> {
  const sent = request(`${server.url}/v2/images/${id}/${how}`, {
    method: 'PUT',
    headers: { ...OCTETS, 'content-length': size },
  });
  sent.flushHeaders();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const text = await once(answer, 'data').then(String);
  sent.on('error', () => undefined).destroy();
  const { statusCode = 0, headers } = answer;
  return { status: statusCode, headers, text, body: JSON.parse(text) as unknown };
}

describe('a client that goes away mid-upload', () => {
  it.each([
    ['file', 'saving', 'with a length', { 'content-length': String(4 * MIB) }],
    ['file', 'saving', 'in chunks', {}],
    ['stage', 'uploading', 'with a length', { 'content-length': String(4 * MIB) }],
    ['stage', 'uploading', 'in chunks', {}],
  ])('leaves nothing of PUT …/%s (%s) %s', async (how, during, _, headers) => {
    const { id } = await api.createImage();
    const sent = request(`${server.url}/v2/images/${id}/${how}`, {
      method: 'PUT',
      headers: { ...OCTETS, ...headers },
    });
    sent.on('error', () => undefined);
    await new Promise((resolve) => sent.write(Buffer.alloc(2 * MIB, 7), resolve));
    await becomes(id, during);
    sent.destroy();
    await becomes(id, 'queued');
    expect(await api.image(id)).toMatchObject({ size: null, checksum: null });
    // Whoever comes back finds the whole staging area free.
    const file = await randomFile(path.join(dir.path, id), 7 * MIB);
    expect((await whenThereIsRoom(() => api.send(id, 'file', file))).status).toBe(204);
    expect((await api.image(id)).os_hash_value).toBe(await digestOf(file));
  });
});

describe('a full staging area', () => {
  it('answers at once, says when to come back, and then takes the bytes', async () => {
    const file = await randomFile(path.join(dir.path, 'five'), 5 * MIB);
    const [first, second] = [(await api.createImage()).id, (await api.createImage()).id];
    const sent = await whenThereIsRoom(() => api.send(first, 'stage', file));
    expect([sent.status, sent.text]).toEqual([204, '']);
    for (const how of ['stage', 'file']) {
      const answer = await announced(second, how, 5 * MIB);
      const problem = problemOf(answer);
      expect(problem).toMatchObject({ status: 503, code: 'STAGING_FULL' });
      expect(problem.message).toBe(
        'Needs 5 MiB of staging, 5 MiB of 7.2 MiB for incoming data are taken',
      );
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect((await api.image(second)).status).toBe('queued');
    await api.import(first, { method: { name: 'glance-direct' } });
    expect((await api.finished(first)).state).toBe('succeeded');
    const later = await whenThereIsRoom(() => api.send(second, 'stage', file));
    expect([later.status, later.text]).toEqual([204, '']);
    await api.call('DELETE', `/v2/images/${second}`);
  });

  it('refuses for good what can never fit', async () => {
    const { id } = await api.createImage();
    const file = await randomFile(path.join(dir.path, 'eight'), 8 * MIB);
    const problem = problemOf(await api.send(id, 'stage', file));
    expect(problem).toMatchObject({ status: 413, code: 'STAGING_TOO_SMALL' });
    expect(problem.message).toContain('8 MiB');
    expect(problem.hint).toContain('staging.capacity');
    expect((await api.image(id)).status).toBe('queued');
  });

  it('takes bytes of unknown number as far as there is room', async () => {
    const { id } = await api.createImage();
    const of = (mib: number) =>
      Readable.from(Array.from({ length: mib }, () => Buffer.alloc(MIB, 1)));
    const stage = `/v2/images/${id}/stage`;
    const send = (mib: number) => () => api.call('PUT', stage, { headers: OCTETS, body: of(mib) });
    const tooMuch = await whenThereIsRoom(send(9));
    expect(problemOf(tooMuch)).toMatchObject({ status: 413, code: 'STAGING_TOO_SMALL' });
    await becomes(id, 'queued');
    const fits = await whenThereIsRoom(send(7));
    expect([fits.status, fits.text]).toEqual([204, '']);
    expect((await api.image(id)).status).toBe('uploading');
    await api.call('DELETE', `/v2/images/${id}`);
  });
});
