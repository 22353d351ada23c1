import { buffer } from 'node:stream/consumers';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { randomFile } from '../support/images.js';
import { listenHttp } from '../support/listener.js';
import type { Listener } from '../support/listener.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

interface Received {
  readonly message_id: string;
  readonly event_type: string;
  readonly priority: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

const PATCH = 'application/openstack-images-v2.1-json-patch';
const SECRET = 'the-key-of-the-webhook';
const POLL = { timeout: 20_000, interval: 50 };

let directory: Awaited<ReturnType<typeof tempDir>>;
let hook: Listener;
let received: Received[];
/** What the webhook answers. */
let status: number;
let server: TestServer;

beforeEach(async () => {
  directory = await tempDir();
  received = [];
  status = 200;
  hook = await listenHttp((request, response) => {
    void buffer(request).then((body) => {
      const isAuthorized = request.headers.authorization === `Bearer ${SECRET}`;
      if (status === 200 && isAuthorized) received.push(JSON.parse(body.toString()) as Received);
      response.writeHead(isAuthorized ? status : 401).end();
    });
  });
});
afterEach(async () => {
  await server.stop();
  await hook[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function start(more = ''): Promise<ApiClient> {
  const config = path.join(directory.path, 'stowage.yaml');
  await writeFile(
    config,
    `
notifications:
  webhook: { url: 'http://127.0.0.1:${hook.port}/', headers: { authorization: { env: HOOK } } }
  ${more}
`,
  );
  const dataDir = path.join(directory.path, 'data');
  server = await startServer({ dataDir, config, env: { HOOK: `Bearer ${SECRET}` } });
  return new ApiClient(server.url);
}

const types = (): readonly string[] => received.map(({ event_type: type }) => type);

async function importOne(api: ApiClient): Promise<string> {
  const file = await randomFile(path.join(directory.path, 'image'), 1024 * 1024);
  const { id } = await api.createImage();
  expect((await api.send(id, 'stage', file)).status).toBe(204);
  expect((await api.import(id, { method: { name: 'glance-direct' } })).status).toBe(202);
  expect((await api.finished(id)).state).toBe('succeeded');
  return id;
}

const OF_AN_IMPORT = [
  'image.create',
  'task.create',
  'image.prepare',
  'task.processing',
  'image.upload',
  'image.activate',
  'task.success',
];

describe('a webhook', () => {
  it('is told of every change in its order, with what has become of it', async () => {
    const api = await start();
    const id = await importOne(api);
    await api.call('HEAD', `/v2/images/${id}/file`);
    await api.call('GET', `/v2/images/${id}/file`, { headers: { range: 'bytes=10-29' } });
    // What was sent is known, and told, only after its last byte has left.
    await expect.poll(types, POLL).toContain('image.send');
    const patch = [{ op: 'replace', path: '/name', value: 'renamed' }];
    await api.call('PATCH', `/v2/images/${id}`, {
      headers: { 'content-type': PATCH },
      body: JSON.stringify(patch),
    });
    await api.call('POST', `/v2/images/${id}/members`, { json: { member: 'q' } });
    await api.call('DELETE', `/v2/images/${id}/members/q`);
    await api.call('POST', `/v2/images/${id}/actions/deactivate`);
    await api.call('POST', `/v2/images/${id}/actions/reactivate`);
    await api.call('DELETE', `/v2/images/${id}`);
    const wanted = [
      ...OF_AN_IMPORT,
      ...[
        'image.send',
        'image.update',
        'image.member.create',
        'image.member.delete',
        'image.deactivate',
      ],
      ...['image.reactivate', 'image.delete'],
    ];
    await expect.poll(types, POLL).toEqual(wanted);
    const payloadOf = (type: string) =>
      received.find(({ event_type: one }) => one === type)?.payload;
    expect(payloadOf('image.create')).toMatchObject({ id, status: 'queued', size: null });
    expect(payloadOf('image.activate')).toMatchObject({
      ...{ id, status: 'active', size: 1024 * 1024, disk_format: 'raw', owner: 'default' },
      deleted: false,
    });
    expect(payloadOf('task.success')).toMatchObject({ image_id: id, status: 'success' });
    expect(payloadOf('image.send')).toEqual({
      ...{ image_id: id, owner_id: 'default', bytes_sent: 20 },
      ...{ receiver_user_id: null, receiver_tenant_id: 'default' },
    });
    expect(payloadOf('image.update')).toMatchObject({ name: 'renamed' });
    expect(payloadOf('image.member.create')).toMatchObject({ image_id: id, member_id: 'q' });
    expect(payloadOf('image.delete')).toMatchObject({ id, name: 'renamed', deleted: true });
    expect(server.output()).not.toContain(SECRET);
  });

  it('that is away loses nothing, through SIGKILL, and is not told of anything twice', async () => {
    status = 503;
    let api = await start('log: true');
    const first = await importOne(api);
    // The log does not wait for it.
    await expect.poll(() => server.output(), POLL).toContain('Notification task.success');
    expect(received).toEqual([]);
    await server.kill();
    api = await start();
    await api.call('DELETE', `/v2/images/${first}`);
    expect(received).toEqual([]);
    status = 200;
    await expect.poll(types, POLL).toEqual([...OF_AN_IMPORT, 'image.delete']);
    const ids = new Set(received.map(({ message_id: id }) => id));
    expect(ids.size).toBe(received.length);
    expect(server.output()).toContain('NOTIFICATION_REFUSED');
  });

  it('is told why an import has failed, and nothing that is disabled', async () => {
    const api = await start('disabled: [image]\n  log: true');
    const file = await randomFile(path.join(directory.path, 'image'), 1024 * 1024);
    const { id } = await api.createImage({ disk_format: 'qcow2' });
    expect((await api.send(id, 'stage', file)).status).toBe(204);
    await api.import(id, { method: { name: 'glance-direct' } });
    await api.finished(id);
    await expect.poll(types, POLL).toEqual(['task.create', 'task.processing', 'task.failure']);
    expect(received.at(-1)).toMatchObject({
      priority: 'ERROR',
      payload: { image_id: id, status: 'failure', message: expect.stringMatching(/./) as string },
    });
    await expect.poll(() => server.output(), POLL).toContain('Notification task.failure');
  });
});
