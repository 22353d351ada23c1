import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../core/base/clock.js';
import { createIdentity } from '../../core/client/keystone/identity.js';
import { createPrograms } from '../../core/process/programs.js';
import { CinderConfig } from '../../plugins/cinder-clone/cinder-config.js';
import { CinderStore } from '../../plugins/cinder-clone/cinder-store.js';
import { describeStore } from '../contract/store-contract.js';
import { ApiClient } from '../support/api-client.js';
import type { ImageDocument, ImportDocument } from '../support/api-client.js';
import { freePort } from '../support/free-port.js';
import { digestOf, randomFile } from '../support/images.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';
import { CephService } from './ceph.js';
import { CinderService } from './cinder.js';
import { publish, startCloud } from './cloud.js';
import type { KeystoneService } from './keystone.js';

/** A cloud whose images and volumes live in one Ceph: real Keystone, Cinder and Ceph, with Stowage as its image service. */
const run = promisify(execFile);
const GIB = 1024 ** 3;
const MIB = 1024 * 1024;
const POLL = { timeout: 120_000, interval: 200 };

interface VolumeDocument {
  readonly id: string;
  readonly status: string;
  readonly size: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly 'os-vol-tenant-attr:tenant_id'?: string;
}

let ceph: CephService;
let keystone: KeystoneService;
let cinder: CinderService;
let directory: Awaited<ReturnType<typeof tempDir>>;
let server: TestServer;
let port: number;
/** Of the project of the image volumes. */
let internal: string;
/** User of that project, as whom Stowage signs in. */
let account: string;
const projects: Record<string, string> = {};
const tokens: Record<string, string> = {};

beforeAll(async () => {
  [ceph, keystone, directory] = await Promise.all([CephService.start(), startCloud(), tempDir()]);
  port = await freePort();
  const images = `http://127.0.0.1:${port}`;
  const settings = ['allowed_direct_url_schemes = cinder'];
  cinder = await CinderService.start({ ceph, keystone, images, settings });
  await publish(keystone, 'volumev3', cinder.url);
  internal = await keystone.project('image-volumes');
  account = await keystone.user('image-volumes');
  await keystone.grant('admin', account, { project: internal });
  for (const [name, role] of [
    ['alice', 'member'],
    ['bob', 'member'],
  ] as const) {
    const project = await keystone.project(name);
    const user = await keystone.user(name);
    await keystone.grant(role, user, { project });
    projects[name] = project;
    tokens[name] = await keystone.token(user, { project });
  }
  tokens['admin'] = await cinder.adminToken();
  await serve();
}, 240_000);
afterAll(async () => {
  await server.kill();
  await cinder[Symbol.asyncDispose]();
  await keystone[Symbol.asyncDispose]();
  await ceph[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function serve(): Promise<void> {
  const config = path.join(directory.path, 'stowage.yaml');
  await writeFile(
    config,
    `
server: { port: ${port} }
log: { level: info, format: json }
auth: { mode: keystone, keystone: { url: '${keystone.url}', user: stowage, password: secret } }
images: { show_locations: true, show_direct_url: true, change_locations: true }
stores:
  - { id: files, driver: filesystem, path: store/files, default: true }
  - id: volumes
    driver: cinder
    keystone: { url: '${keystone.url}', username: image-volumes, password: secret, project: image-volumes }
    interface: public
    ceph: { conf: '${ceph.conf}' }
  - id: typed
    driver: cinder
    keystone: { url: '${keystone.url}', username: image-volumes, password: secret, project: image-volumes }
    interface: public
    volume_type: ceph-b
    ceph: { conf: '${ceph.conf}' }
imports: { methods: [glance-direct, cinder-clone] }
`,
  );
  server = await startServer({ dataDir: path.join(directory.path, 'data'), config, port });
}

const RAW = { disk_format: 'raw', container_format: 'bare' };

function api(user: string): ApiClient {
  return new ApiClient(server.url, { 'x-auth-token': tokens[user] ?? '' });
}

async function ask<T>(user: string, method: string, place: string, json?: unknown): Promise<T> {
  const { status, body } = await cinder.call(tokens[user] ?? '', method, place, json);
  if (status >= 300) throw new Error(`${method} ${place}: ${status} ${JSON.stringify(body)}`);
  return body;
}

async function volume(id: string, user = 'admin'): Promise<VolumeDocument> {
  return (await ask<{ volume: VolumeDocument }>(user, 'GET', `/volumes/${id}`)).volume;
}

/** Makes a volume, and waits for it. */
async function made(
  user: string,
  facts: Readonly<Record<string, unknown>>,
): Promise<VolumeDocument> {
  const { volume: begun } = await ask<{ volume: VolumeDocument }>(user, 'POST', '/volumes', {
    volume: facts,
  });
  let now = begun;
  await expect
    .poll(async () => {
      now = await volume(begun.id);
      return now.status;
    }, POLL)
    .toMatch(/^(available|error)$/);
  if (now.status === 'error') throw new Error(await cinder.logs());
  return now;
}

/** Fills a volume behind Cinder's back: random bytes at the start, and some at the end. */
async function fill({ id, size }: VolumeDocument, pool = 'volumes'): Promise<void> {
  const file = await randomFile(path.join(directory.path, `content-${id}`), 24 * MIB);
  await run('truncate', ['-s', String(size * GIB), file]);
  await run('sh', [
    '-c',
    `printf end | dd of="${file}" bs=1 seek=${size * GIB - 3} conv=notrunc status=none`,
  ]);
  const image = `${pool}/volume-${id}`;
  await ceph.admin('rbd', 'rm', '--no-progress', image);
  await ceph.admin('rbd', 'import', '--no-progress', file, image);
}

async function info(id: string, pool = 'volumes'): Promise<{ parent?: { image: string } }> {
  const told = await ceph.admin('rbd', 'info', '--format', 'json', `${pool}/volume-${id}`);
  return JSON.parse(told) as { parent?: { image: string } };
}

async function digestOfVolume(id: string, pool = 'volumes'): Promise<string> {
  const file = path.join(directory.path, 'exported');
  await run('rm', ['-f', file]);
  await ceph.admin('rbd', 'export', '--no-progress', `${pool}/volume-${id}`, file);
  return digestOf(file);
}

async function digestOfDownload(user: string, image: string): Promise<string> {
  const file = path.join(directory.path, 'downloaded');
  const answer = await request(`${server.url}/v2/images/${image}/file`, {
    headers: { 'x-auth-token': tokens[user] ?? '' },
  });
  expect(answer.statusCode).toBe(200);
  await pipeline(answer.body, createWriteStream(file));
  return digestOf(file);
}

/** Imports by `cinder-clone`, and answers the image with its import. */
async function cloned(
  user: string,
  method: Readonly<Record<string, unknown>>,
  facts: Readonly<Record<string, unknown>> = RAW,
): Promise<{
  readonly image: ImageDocument;
  readonly record: ImportDocument;
  readonly ms: number;
}> {
  const client = api(user);
  const { id } = await client.createImage(facts);
  const began = performance.now();
  const answer = await client.import(id, { method: { name: 'cinder-clone', ...method } });
  expect([answer.status, answer.text]).toEqual([202, '']);
  const record = await client.finished(id);
  const ms = performance.now() - began;
  return { image: await client.image(id), record, ms };
}

function volumeIn(image: ImageDocument): string {
  return String(image['direct_url']).split('/').at(-1) ?? '';
}

describeStore('cinder', async () => {
  const config = CinderConfig.parse({
    keystone: {
      url: keystone.url,
      username: 'image-volumes',
      password: 'secret',
      project: 'image-volumes',
    },
    interface: 'public',
    ceph: { conf: ceph.conf },
  });
  const limits = { confinement: 'auto', addressSpace: 2 ** 31, niceness: 10 } as const;
  const programs = createPrograms(limits, () => undefined);
  const identity = createIdentity(systemClock);
  const store = new CinderStore(config, { id: 'volumes' }, identity, programs, systemClock);
  await store.start();
  return store;
});

/** Waits until Cinder has made an image of a volume, and answers it. */
async function uploaded(
  user: string,
  source: VolumeDocument,
  name: string,
): Promise<ImageDocument> {
  const action = { image_name: name, ...RAW, force: false };
  const begun = await ask<{ 'os-volume_upload_image': { image_id: string } }>(
    user,
    'POST',
    `/volumes/${source.id}/action`,
    { 'os-volume_upload_image': action },
  );
  const id = begun['os-volume_upload_image'].image_id;
  await expect.poll(async () => (await api(user).image(id)).status, POLL).toBe('active');
  await expect.poll(async () => (await volume(source.id)).status, POLL).toBe('available');
  return api(user).image(id);
}

describe('an image of a volume', () => {
  it('is a clone, in the same time whatever its size, and goes with the image', async () => {
    const times: Record<number, number[]> = { 1: [], 10: [] };
    for (const size of [1, 10]) {
      const source = await made('alice', { size });
      await fill(source);
      for (let round = 0; round < 3; round += 1) {
        const { image, record, ms } = await cloned('alice', { volume_id: source.id });
        expect(record).toMatchObject({ state: 'succeeded', failure: null });
        expect(image).toMatchObject({
          ...{ status: 'active', size: size * GIB, virtual_size: size * GIB, stores: 'volumes' },
        });
        times[size]?.push(ms);
        const id = volumeIn(await api('admin').image(image.id));
        expect((await info(id)).parent).toBeDefined();
        const at = await volume(id);
        expect(at.metadata).toMatchObject({
          ...{ glance_image_id: image.id, image_owner: projects['alice'], readonly: 'True' },
          image_size: String(size * GIB),
        });
        expect(at['os-vol-tenant-attr:tenant_id']).toBe(internal);
        if (round === 0 && size === 1) {
          expect(await digestOfDownload('alice', image.id)).toBe(await digestOfVolume(source.id));
        }
        await api('alice').call('DELETE', `/v2/images/${image.id}`);
        await expect
          .poll(
            async () => (await cinder.call(tokens['admin'] ?? '', 'GET', `/volumes/${id}`)).status,
            POLL,
          )
          .toBe(404);
      }
      expect((await volume(source.id)).status).toBe('available');
    }
    const middle = (all: readonly number[] = []) => all.toSorted((a, b) => a - b)[1] ?? 0;
    const [one, ten] = [middle(times[1]), middle(times[10])];
    console.log(`cinder-clone: 1 GiB in ${one.toFixed(0)} ms, 10 GiB in ${ten.toFixed(0)} ms`);
    expect(ten / one).toBeLessThan(1.5);
  });

  it('is one of a snapshot too', async () => {
    const source = await made('alice', { size: 1 });
    await fill(source);
    const { snapshot } = await ask<{ snapshot: { id: string } }>('alice', 'POST', '/snapshots', {
      snapshot: { volume_id: source.id },
    });
    await expect
      .poll(
        async () =>
          (await ask<{ snapshot: { status: string } }>('alice', 'GET', `/snapshots/${snapshot.id}`))
            .snapshot.status,
        POLL,
      )
      .toBe('available');
    const { image, record } = await cloned('alice', { snapshot_id: snapshot.id });
    expect(record).toMatchObject({ state: 'succeeded', failure: null });
    expect(await digestOfVolume(volumeIn(await api('admin').image(image.id)))).toBe(
      await digestOfVolume(source.id),
    );
  });

  it("is not made of another project's volume, nor of one that is not there", async () => {
    const source = await made('alice', { size: 1 });
    for (const method of [
      { volume_id: source.id },
      { snapshot_id: source.id },
      { volume_id: '00000000-0000-4000-8000-000000000000' },
    ]) {
      const { image, record } = await cloned('bob', method);
      expect(image.status).toBe('queued');
      expect(record.failure).toMatchObject({ class: 'not_found', code: 'VOLUME_NOT_FOUND' });
    }
    expect((await volume(source.id)).status).toBe('available');
  });

  it('is read where a clone would be of another type, with the reason in its task', async () => {
    const source = await made('alice', { size: 1, volume_type: 'ceph-a' });
    await fill(source);
    const { image, record } = await cloned('alice', { volume_id: source.id, store: 'typed' });
    expect(record).toMatchObject({ state: 'succeeded', failure: null });
    expect(record.tasks[0]).toMatchObject({
      output: { source: 'volume', not_cloned: [expect.stringContaining('"ceph-a"')] },
    });
    expect(image).toMatchObject({ status: 'active', size: GIB, stores: 'files' });
    expect(image.os_hash_value).toBe(await digestOfVolume(source.id));
    expect((await volume(source.id)).status).toBe('available');
  });

  it('has to be raw and bare', async () => {
    const source = await made('alice', { size: 1 });
    const { record } = await cloned(
      'alice',
      { volume_id: source.id },
      { ...RAW, disk_format: 'qcow2' },
    );
    expect(record.failure).toMatchObject({ code: 'FORMAT_UNFIT' });
  });
});

describe('Cinder as a client', () => {
  it('clones a volume from an image, on the same backend', async () => {
    const source = await made('alice', { size: 1 });
    await fill(source);
    const { image } = await cloned('alice', { volume_id: source.id });
    const kept = volumeIn(await api('admin').image(image.id));
    const copy = await made('alice', { size: 1, imageRef: image.id });
    expect((await info(copy.id)).parent?.image).toBe(`volume-${kept}`);
    expect(await digestOfVolume(copy.id)).toBe(await digestOfVolume(source.id));
    const larger = await made('alice', { size: 2, imageRef: image.id });
    expect((await info(larger.id)).parent?.image).toBe(`volume-${kept}`);
  });

  it('downloads it for another backend, with the same bytes', async () => {
    const source = await made('alice', { size: 1 });
    await fill(source);
    const { image } = await cloned('alice', { volume_id: source.id });
    const copy = await made('alice', { size: 1, imageRef: image.id, volume_type: 'ceph-b' });
    expect((await info(copy.id, 'volumes-b')).parent).toBeUndefined();
    expect(await digestOfVolume(copy.id, 'volumes-b')).toBe(await digestOfVolume(source.id));
  });

  it('sends the bytes of a volume', async () => {
    const source = await made('alice', { size: 1 });
    await fill(source);
    const image = await uploaded('alice', source, 'sent');
    expect(image).toMatchObject({ size: GIB, stores: 'files' });
    expect(image.os_hash_value).toBe(await digestOfVolume(source.id));
  });

  it.each(['its own project', 'the internal tenant'])(
    'registers a clone of a volume, in %s',
    async (where) => {
      const isInternal = where === 'the internal tenant';
      await cinder.restart({
        backend: [
          'image_upload_use_cinder_backend = true',
          `image_upload_use_internal_tenant = ${String(isInternal)}`,
        ],
        settings: [
          'allowed_direct_url_schemes = cinder',
          `cinder_internal_tenant_project_id = ${internal}`,
          `cinder_internal_tenant_user_id = ${account}`,
        ],
      });
      const source = await made('alice', { size: 1 });
      await fill(source);
      const image = await uploaded('alice', source, where);
      expect(image).toMatchObject({ size: GIB, virtual_size: GIB, stores: 'volumes' });
      const id = volumeIn(await api('admin').image(image.id));
      expect((await info(id)).parent?.image).toBe(`volume-${source.id}`);
      expect((await volume(id))['os-vol-tenant-attr:tenant_id']).toBe(
        isInternal ? internal : projects['alice'],
      );
      expect(await digestOfDownload('alice', image.id)).toBe(await digestOfVolume(source.id));
      const copy = await made('alice', { size: 1, imageRef: image.id });
      expect((await info(copy.id)).parent?.image).toBe(`volume-${id}`);
      expect((await api('alice').call('DELETE', `/v2/images/${image.id}`)).status).toBe(204);
      await expect
        .poll(
          async () => (await cinder.call(tokens['admin'] ?? '', 'GET', `/volumes/${id}`)).status,
          POLL,
        )
        .toBe(404);
    },
  );
});
