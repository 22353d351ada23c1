import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import { qcow2File, randomFile } from '../../support/images.js';
import { assertSameDisk } from '../../support/qemu-files.js';
import { spawnServer, startServer } from '../../support/server.js';
import type { TestServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';
import { CephService } from './ceph.js';

const run = promisify(execFile);
const MIB = 1024 * 1024;

/** Milliseconds for what is tried again every 10 s. */
const RETRIED = { timeout: 90_000, interval: 500 };

let ceph: CephService;
let directory: Awaited<ReturnType<typeof tempDir>>;
let place: { readonly dataDir: string; readonly config: string };
let server: TestServer | undefined;

beforeAll(async () => {
  ceph = await CephService.start();
});
afterAll(() => ceph[Symbol.asyncDispose]());

beforeEach(async () => {
  await ceph.pool('images');
  directory = await tempDir();
  place = { dataDir: path.join(directory.path, 'data'), config: path.join(directory.path, 'yaml') };
  const { conf, keyring, user } = ceph;
  const store = { id: 'ceph', driver: 'rbd', pool: 'images', conf, keyring, user };
  const pipeline = ['stage', 'introspect', 'virtual-size', 'convert', 'store'];
  await writeFile(place.config, JSON.stringify({ stores: [store], imports: { pipeline } }));
});
afterEach(async () => {
  await server?.kill();
  server = undefined;
  await directory[Symbol.asyncDispose]();
  await ceph.dropPool('images');
});

async function serve(): Promise<ApiClient> {
  server = await startServer(place);
  return new ApiClient(server.url);
}

function hasSaid(text: string): boolean {
  return server?.output().includes(text) ?? false;
}

/** Names of the images in the pool. */
async function held(): Promise<readonly string[]> {
  return JSON.parse(await ceph.admin('rbd', 'ls', '--format', 'json', 'images')) as string[];
}

async function imported(api: ApiClient, file: string, disk_format: string): Promise<string> {
  const { id } = await api.createImage({ disk_format });
  expect((await api.send(id, 'stage', file)).status).toBe(204);
  expect((await api.import(id, { method: { name: 'glance-direct' } })).status).toBe(202);
  return id;
}

/** As Nova and Cinder read it of the image. */
function snapshotOf(url: unknown): string {
  return /^rbd:\/\/[^/]+\/(.+)\/([^/]+)$/.exec(String(url))?.slice(1, 3).join('@') ?? '';
}

it('a qcow2 is a raw snapshot in the pool, from which a disk is cloned and holds the same', async () => {
  const api = await serve();
  const file = await qcow2File(path.join(directory.path, 'disk'), 96 * MIB, 24 * MIB);
  const id = await imported(api, file, 'qcow2');
  expect((await api.finished(id)).state).toBe('succeeded');
  const image = await api.image(id);
  expect([image.status, image.disk_format, image.virtual_size]).toEqual([
    'active',
    'raw',
    96 * MIB,
  ]);

  const { body } = await api.call('GET', `/v2/images/${id}/locations`);
  const [{ url }] = body as readonly [{ readonly url: string }];
  const snapshot = snapshotOf(url);
  await ceph.admin('rbd', 'clone', snapshot, 'images/server');
  const told = await ceph.admin('rbd', 'info', '--format', 'json', 'images/server');
  expect(JSON.parse(told)).toMatchObject({
    size: 96 * MIB,
    parent: { image: snapshot.split(/[/@]/)[1], overlap: 96 * MIB },
  });
  const clone = path.join(directory.path, 'clone');
  await ceph.admin('rbd', 'export', '--no-progress', 'images/server', clone);
  await assertSameDisk([clone, 'raw'], [file, 'qcow2']);

  // It goes for everybody at once, and its blocks when the last disk that shares them is gone.
  expect((await api.call('DELETE', `/v2/images/${id}`)).status).toBe(204);
  expect((await api.call('GET', `/v2/images/${id}`)).status).toBe(404);
  await expect.poll(() => hasSaid('OBJECT_IN_USE'), RETRIED).toBe(true);
  await ceph.admin('rbd', 'rm', '--no-progress', 'images/server');
  await expect.poll(held, RETRIED).toEqual([]);
});

it('a download of a range gives its bytes', async () => {
  const api = await serve();
  const file = await randomFile(path.join(directory.path, 'disk'), 9 * MIB + 12_800);
  const id = await imported(api, file, 'raw');
  expect((await api.finished(id)).state).toBe('succeeded');
  const got = path.join(directory.path, 'got');
  const range = `bytes=${5 * MIB}-${9 * MIB}`;
  const data = `${api.url}/v2/images/${id}/file`;
  await run('curl', ['-sf', '-o', got, '-H', `range: ${range}`, data]);
  const part = path.join(directory.path, 'part');
  await run('sh', ['-c', `tail -c +${5 * MIB + 1} "${file}" | head -c ${4 * MIB + 1} > "${part}"`]);
  await run('cmp', [got, part]);
});

it('a server that dies while it writes leaves one whole image in the pool', async () => {
  const api = await serve();
  const file = await randomFile(path.join(directory.path, 'disk'), 256 * MIB);
  const id = await imported(api, file, 'raw');
  await expect.poll(held, { timeout: 30_000, interval: 20 }).toHaveLength(1);
  await server?.kill();
  const again = await serve();
  expect((await again.finished(id)).state).toBe('succeeded');
  await expect.poll(held, RETRIED).toHaveLength(1);
  const got = path.join(directory.path, 'got');
  await run('curl', ['-sf', '-o', got, `${again.url}/v2/images/${id}/file`]);
  await run('cmp', [got, file]);
});

it.each(['store:bytes-durable', 'store:placed-committed'])(
  'a server that dies at %s leaves one whole image in the pool',
  async (at) => {
    const dying = spawnServer({ ...place, env: { STOWAGE_CRASH_POINT: at } });
    const { url } = await dying.served;
    const file = await randomFile(path.join(directory.path, 'disk'), 12 * MIB);
    const id = await imported(new ApiClient(url), file, 'raw');
    expect(await dying.exited).not.toBe(0);
    const api = await serve();
    expect((await api.finished(id)).state).toBe('succeeded');
    await expect.poll(held, RETRIED).toHaveLength(1);
  },
);
