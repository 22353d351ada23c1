import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { ApiClient } from '../../support/api-client.js';
import type { ImageDocument, ImportDocument } from '../../support/api-client.js';
import { freePort } from '../../support/free-port.js';
import { digestOf } from '../../support/images.js';
import { spawnServer, startServer } from '../../support/server.js';
import type { TestServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';
import { rbdDiff } from '../../../plugins/cinder-clone/connection/rbd-diff.js';
import { CephService } from './ceph.js';
import { CinderService } from './cinder.js';
import { publish, startCloud } from '../cloud.js';
import { contentOf, contentOfDiff } from './disk-content.js';
import type { KeystoneService } from '../keystone.js';

/** Bytes at the start of a volume that is filled, and at its end. */
const FILLED = 24 * 1024 * 1024;
const BLOCK = 4096;
/** Milliseconds for what Cinder does. */
const PATIENCE = 120_000;

export const GIB = 1024 ** 3;
export const RAW = { disk_format: 'raw', container_format: 'bare' };

/** The account of the image volumes, and its project. */
const ACCOUNT = 'image-volumes';

export interface VolumeDocument {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly size: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly 'os-vol-tenant-attr:tenant_id'?: string;
}

export interface ImageVolumeDocument {
  readonly id: string;
  readonly image_id: string;
  readonly status: string;
  readonly volume_id: string;
  readonly size: number;
  readonly cloned: boolean;
  readonly not_cloned: readonly string[];
  readonly transfer: { readonly id: string; readonly auth_key: string } | null;
  readonly failure: { readonly code: string } | null;
}

export interface Cloned {
  readonly image: ImageDocument;
  readonly record: ImportDocument;
  /** Milliseconds from the request to the end of the import. */
  readonly ms: number;
}

export interface CloudOptions {
  /** Stands before Cinder; answers the URL that Stowage is to use. */
  readonly cinderFor?: (url: string) => Promise<string>;
}

/**
 * A cloud whose images and volumes live in one Ceph: real Keystone, Cinder and Ceph, with Stowage as its
 * image service. `alice` and `bob` are members of their projects, `admin` is Cinder's administrator.
 */
export class VolumeCloud implements AsyncDisposable {
  readonly projects: Record<string, string> = {};
  readonly tokens: Record<string, string> = {};
  /** Id of the project of the image volumes, and of its user. */
  internal = { project: '', user: '' };
  #server: TestServer | undefined;
  #endpoint: string;

  private constructor(
    readonly ceph: CephService,
    readonly keystone: KeystoneService,
    readonly cinder: CinderService,
    readonly directory: string,
    private readonly port: number,
    private readonly release: () => Promise<void>,
  ) {
    this.#endpoint = cinder.url;
  }

  static async start({ cinderFor }: CloudOptions = {}): Promise<VolumeCloud> {
    const [ceph, keystone, directory] = await Promise.all([
      CephService.start(),
      startCloud(),
      tempDir(),
    ]);
    const port = await freePort();
    const images = `http://127.0.0.1:${port}`;
    const settings = ['allowed_direct_url_schemes = cinder'];
    const cinder = await CinderService.start({ ceph, keystone, images, settings });
    await publish(keystone, 'volumev3', cinder.url);
    const cloud = new VolumeCloud(ceph, keystone, cinder, directory.path, port, async () => {
      await directory[Symbol.asyncDispose]();
    });
    if (cinderFor !== undefined) cloud.#endpoint = await cinderFor(cinder.url);
    await cloud.#people();
    return cloud;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.kill();
    await this.cinder[Symbol.asyncDispose]();
    await this.keystone[Symbol.asyncDispose]();
    await this.ceph[Symbol.asyncDispose]();
    await this.release();
  }

  /** A user of a project, new or not, with these roles in it. */
  async person(name: string, projectName: string, ...roles: readonly string[]): Promise<void> {
    this.projects[projectName] ??= await this.keystone.project(projectName);
    const project = this.projects[projectName];
    const user = await this.keystone.user(name);
    for (const role of roles) await this.keystone.grant(role, user, { project });
    this.tokens[name] = await this.keystone.token(user, { project });
  }

  /** @param images settings of this life, beside those that show locations */
  async serve(images: Readonly<Record<string, unknown>> = {}): Promise<TestServer> {
    this.#server = await startServer(await this.#place(images));
    return this.#server;
  }

  /** As {@link serve}, for a server that dies at a named point. */
  async serveUntil(point: string): Promise<Pick<TestServer, 'exited'>> {
    const server = spawnServer({ ...(await this.#place({})), env: { STOWAGE_CRASH_POINT: point } });
    await server.served;
    return server;
  }

  /** Serves with a configuration of the caller's, at the same address. */
  async serveConfig(config: string, env: Readonly<Record<string, string>>): Promise<void> {
    const dataDir = path.join(this.directory, 'other-data');
    this.#server = await startServer({ dataDir, config, port: this.port, env });
  }

  /** Puts Stowage into the catalogue. */
  publishImages(): Promise<void> {
    return publish(this.keystone, 'image', this.url);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#server?.kill();
    this.#server = undefined;
  }

  get server(): TestServer {
    if (this.#server !== undefined) return this.#server;
    throw new Error('Stowage does not run');
  }

  api(user: string): ApiClient {
    return new ApiClient(this.url, {
      'x-auth-token': this.tokens[user] ?? '',
    });
  }

  /** A request to Cinder that must succeed. */
  async ask<T>(user: string, method: string, place: string, json?: unknown): Promise<T> {
    const { status, body } = await this.cinder.call(this.tokens[user] ?? '', method, place, json);
    if (status >= 300) throw new Error(`${method} ${place}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  async volume(id: string): Promise<VolumeDocument> {
    return (await this.ask<{ volume: VolumeDocument }>('admin', 'GET', `/volumes/${id}`)).volume;
  }

  async volumes(project: string): Promise<readonly VolumeDocument[]> {
    const query = `/volumes/detail?all_tenants=1&project_id=${project}`;
    return (await this.ask<{ volumes: readonly VolumeDocument[] }>('admin', 'GET', query)).volumes;
  }

  /** Makes a volume, and waits for it. */
  async made(user: string, facts: Readonly<Record<string, unknown>>): Promise<VolumeDocument> {
    const body = { volume: facts };
    const { volume } = await this.ask<{ volume: VolumeDocument }>(user, 'POST', '/volumes', body);
    await this.until(async () => {
      const { status } = await this.volume(volume.id);
      if (status === 'error') throw new Error(await this.cinder.logs());
      return status === 'available';
    });
    return this.volume(volume.id);
  }

  /** Makes a snapshot of a volume, and waits for it. */
  async snapshot(user: string, { id: volume_id }: VolumeDocument): Promise<string> {
    const { snapshot } = await this.ask<{ snapshot: { id: string } }>(user, 'POST', '/snapshots', {
      snapshot: { volume_id },
    });
    await this.until(async () => {
      const place = `/snapshots/${snapshot.id}`;
      const now = await this.ask<{ snapshot: { status: string } }>('admin', 'GET', place);
      return now.snapshot.status === 'available';
    });
    return snapshot.id;
  }

  /** Fills a volume behind Cinder's back: random bytes at the start, and some at the end. */
  async fill({ id, size }: VolumeDocument, pool = 'volumes'): Promise<void> {
    const file = path.join(this.directory, `content-${id}`);
    const content = async function* (): AsyncGenerator<Uint8Array> {
      yield randomBytes(FILLED);
      await Promise.resolve();
    };
    const end = async function* (): AsyncGenerator<Uint8Array> {
      yield randomBytes(BLOCK);
      await Promise.resolve();
    };
    for (const [bytes, offset] of [
      [content(), 0],
      [end(), size * GIB - BLOCK],
    ] as const) {
      await writeFile(file, rbdDiff(bytes, offset));
      const image = `${pool}/volume-${id}`;
      await this.ceph.admin('rbd', 'import-diff', '--no-progress', file, image);
    }
  }

  /** The image in the pool that a volume shares blocks with. */
  async parentOf(id: string, pool = 'volumes'): Promise<string | undefined> {
    const told = await this.ceph.admin('rbd', 'info', '--format', 'json', `${pool}/volume-${id}`);
    return (JSON.parse(told) as { readonly parent?: { readonly image: string } }).parent?.image;
  }

  /** Of the bytes of a volume: see {@link DiskContent}. */
  async contentOfVolume(id: string, pool = 'volumes'): Promise<string> {
    const file = path.join(this.directory, 'diff');
    await rm(file, { force: true });
    const image = `${pool}/volume-${id}`;
    await this.ceph.admin('rbd', 'export-diff', '--no-progress', image, file);
    return contentOfDiff(await readFile(file));
  }

  /** Of the bytes that a client gets. */
  async contentOfDownload(user: string, image: string): Promise<string> {
    const answer = await request(`${this.server.url}/v2/images/${image}/file`, {
      headers: { 'x-auth-token': this.tokens[user] ?? '' },
    });
    if (answer.statusCode !== 200) throw new Error(`GET file: ${answer.statusCode}`);
    return contentOf(answer.body);
  }

  /** In hex, of the whole volume. */
  async digestOfVolume(id: string, pool = 'volumes'): Promise<string> {
    const file = path.join(this.directory, 'exported');
    await rm(file, { force: true });
    await this.ceph.admin('rbd', 'export', '--no-progress', `${pool}/volume-${id}`, file);
    return digestOf(file);
  }

  /** Imports by a method, and answers the image with its import. */
  async imported(
    user: string,
    method: Readonly<Record<string, unknown>>,
    facts: Readonly<Record<string, unknown>> = RAW,
  ): Promise<Cloned> {
    const client = this.api(user);
    const { id } = await client.createImage(facts);
    const began = performance.now();
    const answer = await client.import(id, { method });
    if (answer.status !== 202) throw new Error(`import: ${answer.status} ${answer.text}`);
    const record = await client.finished(id);
    const ms = performance.now() - began;
    return { image: await client.image(id), record, ms };
  }

  cloned(user: string, origin: Readonly<Record<string, unknown>>): Promise<Cloned> {
    return this.imported(user, { name: 'cinder-clone', ...origin });
  }

  /** The volume that an image is, as an administrator sees it. */
  async volumeIn({ id }: Pick<ImageDocument, 'id'>): Promise<string> {
    const { direct_url } = await this.api('admin').image(id);
    return String(direct_url).split('/').at(-1) ?? '';
  }

  /** Waits until Cinder has made an image of a volume, and answers it. */
  async uploaded(user: string, { id }: VolumeDocument, name: string): Promise<ImageDocument> {
    const action = { image_name: name, ...RAW, force: false };
    const body = { 'os-volume_upload_image': action };
    const begun = await this.ask<{ 'os-volume_upload_image': { image_id: string } }>(
      user,
      'POST',
      `/volumes/${id}/action`,
      body,
    );
    const image = begun['os-volume_upload_image'].image_id;
    await this.until(
      async () =>
        (await this.api(user).image(image)).status === 'active' &&
        (await this.volume(id)).status === 'available',
    );
    return this.api(user).image(image);
  }

  /** Has a volume made of an image, and waits for the end. */
  async volumeOf(
    user: string,
    image: Pick<ImageDocument, 'id'>,
    wish: Readonly<Record<string, unknown>> = {},
  ): Promise<ImageVolumeDocument> {
    const place = `/v2/images/${image.id}/volumes`;
    const answer = await this.api(user).call('POST', place, { json: wish });
    if (answer.status !== 202) throw new Error(`volumes: ${answer.status} ${answer.text}`);
    return this.finishedVolume(user, answer.body as ImageVolumeDocument);
  }

  async finishedVolume(
    user: string,
    { id, image_id }: Pick<ImageVolumeDocument, 'id' | 'image_id'>,
  ): Promise<ImageVolumeDocument> {
    const place = `/v2/images/${image_id}/volumes/${id}`;
    let now: ImageVolumeDocument | undefined;
    await this.until(async () => {
      now = (await this.api(user).call('GET', place)).body as ImageVolumeDocument;
      return now.status !== 'pending';
    });
    if (now === undefined) throw new Error('There is no such volume');
    return now;
  }

  /** Takes a volume over. */
  async accept(user: string, { transfer }: ImageVolumeDocument): Promise<void> {
    await this.ask(user, 'POST', `/volume-transfers/${transfer?.id ?? ''}/accept`, {
      accept: { auth_key: transfer?.auth_key },
    });
  }

  async isGone(volume: string): Promise<boolean> {
    const { status } = await this.cinder.call(
      this.tokens['admin'] ?? '',
      'GET',
      `/volumes/${volume}`,
    );
    return status === 404;
  }

  async until(reached: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!(await reached())) {
      if (Date.now() > deadline) throw new Error(`Never reached: ${String(reached)}`);
      await delay(200);
    }
  }

  async #people(): Promise<void> {
    await this.person(ACCOUNT, ACCOUNT, 'admin');
    const { body } = await this.keystone.call('GET', `/users?name=${ACCOUNT}`);
    const [user] = (body as { readonly users: readonly { readonly id: string }[] }).users;
    this.internal = { project: this.projects[ACCOUNT] ?? '', user: user?.id ?? '' };
    await this.person('alice', 'alice', 'member');
    await this.person('bob', 'bob', 'member');
    this.tokens['admin'] = await this.cinder.adminToken();
  }

  async #place(images: Readonly<Record<string, unknown>>): Promise<{
    readonly dataDir: string;
    readonly config: string;
    readonly port: number;
  }> {
    const { url } = this.keystone;
    const volumes = {
      driver: 'cinder',
      keystone: { url, username: ACCOUNT, password: 'secret', project: ACCOUNT },
      endpoint: this.#endpoint,
      ceph: { conf: this.ceph.conf },
    };
    const methods = [
      ...['glance-direct', 'copy-image', 'cinder-clone'],
      { name: 'volume-backed', plugin: 'cinder-clone' },
    ];
    const pipeline = ['stage', 'introspect', 'virtual-size', 'cinder-clone', 'store'];
    const config = path.join(this.directory, 'stowage.yaml');
    await writeFile(
      config,
      JSON.stringify({
        log: { level: 'info', format: 'json' },
        auth: { mode: 'keystone', keystone: { url, user: 'stowage', password: 'secret' } },
        images: {
          ...{ show_locations: true, show_direct_url: true, change_locations: true },
          ...images,
        },
        stores: [
          { id: 'files', driver: 'filesystem', path: 'store/files', default: true },
          { id: 'volumes', ...volumes },
          { id: 'again', ...volumes },
          { id: 'typed', ...volumes, volume_type: 'ceph-b' },
        ],
        imports: {
          methods,
          pipeline,
          retry: { attempts: 8, backoff: '200 ms', max_backoff: '1 s' },
        },
      }),
    );
    return { dataDir: path.join(this.directory, 'data'), config, port: this.port };
  }
}
