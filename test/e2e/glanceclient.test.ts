import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { serveFiles } from '../support/file-server.js';
import type { FileServer } from '../support/file-server.js';
import { GlanceCommand } from '../support/glance.js';
import { digestOf, qcow2File, randomFile } from '../support/images.js';
import { violations } from '../support/invariants.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const MIB = 1024 * 1024;
const CONFIG = `
log: { level: warn }
stores:
  - { id: one, driver: filesystem, path: store/one, default: true, description: first }
  - { id: two, driver: filesystem, path: store/two }
imports:
  methods:
    - glance-direct
    - { name: web-download, config: { allow: [127.0.0.0/8] } }
    - copy-image
  pipeline:
    - stage
    - introspect
    - virtual-size
    - plugin: convert
      config: { output_format: raw }
      when: { disk_format: [qcow2] }
    - store
`;
const RAW = ['--disk-format', 'raw', '--container-format', 'bare'];
const QCOW2 = ['--disk-format', 'qcow2', '--container-format', 'bare'];
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of people's language: begins upper-case, has words, shows no code, braces or trace. */
const SENTENCE = /^(HTTP )?[A-Z][^{}]* [^{}]* [^{}]*$/;

let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let server: TestServer;
let web: FileServer;
let glance: GlanceCommand;
let api: ApiClient;
let raw: string;
let qcow2: string;

beforeAll(async () => {
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  const files = path.join(dir.path, 'files');
  await mkdir(files);
  raw = await randomFile(path.join(files, 'disk.raw'), 2 * MIB);
  qcow2 = await qcow2File(path.join(files, 'disk.qcow2'), 8 * MIB, MIB);
  web = await serveFiles(files);
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  server = await startServer({ dataDir, config });
  glance = new GlanceCommand(server.url, path.join(dir.path, 'home'));
  api = new ApiClient(server.url);
});

afterAll(async () => {
  await server.stop();
  await web[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

function create(...args: readonly string[]): Promise<Readonly<Record<string, string>>> {
  return glance.properties('image-create', ...args);
}

function show(id: string): Promise<Readonly<Record<string, string>>> {
  return glance.properties('image-show', id);
}

/** What the client says when it fails, line by line. */
async function complaint(...args: readonly string[]): Promise<readonly string[]> {
  const { code, out, err } = await glance.run(...args);
  expect(code, out + err).not.toBe(0);
  expect(out + err).not.toContain('Traceback');
  const lines = err.trim().split('\n');
  for (const line of lines) expect(line).toMatch(SENTENCE);
  return lines;
}

/** The file of an image that is in store "one". */
async function storedFile(imageId: string): Promise<string> {
  const store = path.join(dataDir, 'store', 'one');
  const files = await readdir(store, { recursive: true });
  const file = files.find((name) => name.includes(`${imageId}/`));
  if (file === undefined) throw new Error(`Store "one" holds no file of image ${imageId}`);
  return path.join(store, file);
}

describe('glance image-create', () => {
  it('makes a queued image with properties and tags', async () => {
    const image = await create(
      ...RAW,
      ...['--name', 'plain', '--property', 'os_distro=debian', '--property', 'rack=7'],
      ...['--min-disk', '1', '--visibility', 'private', '--tags', 'green', 'blue'],
    );
    expect(image).toMatchObject({
      id: expect.stringMatching(UUID) as string,
      name: 'plain',
      status: 'queued',
      disk_format: 'raw',
      os_distro: 'debian',
      rack: '7',
      min_disk: '1',
      visibility: 'private',
      owner: 'default',
    });
    expect(image['tags']).toMatch(/green/);
    expect(image['tags']).toMatch(/blue/);
    expect(await show(image['id'] ?? '')).toEqual(image);
  });

  it('uploads a file, and downloads the same bytes', async () => {
    const image = await create('--name', 'up', ...QCOW2, '--file', qcow2);
    expect(image).toMatchObject({
      status: 'active',
      disk_format: 'qcow2',
      size: String((await stat(qcow2)).size),
      virtual_size: String(8 * MIB),
      checksum: await digestOf(qcow2, 'md5'),
      os_hash_algo: 'sha512',
      os_hash_value: await digestOf(qcow2),
      stores: 'one',
    });
    const back = path.join(dir.path, 'back');
    await glance.ok('image-download', image['id'] ?? '', '--file', back);
    expect(await readFile(back)).toEqual(await readFile(qcow2));
  });

  it('uploads to the store that is named', async () => {
    const image = await create('--name', 'two', ...RAW, '--file', raw, '--store', 'two');
    expect(image).toMatchObject({ status: 'active', stores: 'two' });
  });

  it('reads why a file is refused', async () => {
    const lines = await complaint('image-create', '--name', 'wrong', ...RAW, '--file', qcow2);
    expect(lines.join(' ')).toMatch(/data is "qcow2".*disk_format says "raw".*Set disk_format/);
  });
});

describe('glance image-download', () => {
  it('verifies the digests that the server gave', async () => {
    const { id = '' } = await create('--name', 'rotten', ...RAW, '--file', raw);
    const content = await readFile(raw);
    content[12_345] = (content[12_345] ?? 0) ^ 1;
    await writeFile(await storedFile(id), content);
    const { code, err } = await glance.run(
      ...['image-download', id, '--file', path.join(dir.path, 'rotten')],
    );
    expect(code).toBe(1);
    expect(err).toContain('Corrupt image download');
    await glance.ok('image-delete', id);
  });

  it('reads that a queued image has no data', async () => {
    const { id = '' } = await create('--name', 'empty', ...RAW);
    const lines = await complaint('image-download', id, '--file', path.join(dir.path, 'none'));
    expect(lines.join(' ')).toMatch(/no data/);
  });
});

describe('glance image-stage, image-import and image-tasks', () => {
  it('import what was staged, converted', async () => {
    const { id = '' } = await create('--name', 'staged', ...QCOW2, '--property', 'user=kept');
    expect(await glance.ok('image-stage', id, '--file', qcow2)).toBe('');
    expect(await show(id)).toMatchObject({
      status: 'uploading',
      size: String((await stat(qcow2)).size),
    });
    const during = await glance.properties('image-import', id, '--import-method', 'glance-direct');
    expect(['importing', 'active']).toContain(during['status']);
    await api.finished(id);
    expect(await show(id)).toMatchObject({
      status: 'active',
      disk_format: 'raw',
      size: String(8 * MIB),
      virtual_size: String(8 * MIB),
      user: 'kept',
      stores: 'one',
      os_glance_failed_import: '',
      os_glance_importing_to_stores: '',
    });
    const [task, ...others] = await glance.list('--verbose', 'image-tasks', id);
    expect(others).toEqual([]);
    expect(task).toMatchObject({ 'Image Id': id, Status: 'success', Owner: 'default' });
    expect(await glance.properties('task-show', task?.['Task Id'] ?? '')).toMatchObject({
      id: task?.['Task Id'],
      status: 'success',
      type: 'api_image_import',
    });
  });

  it('are told of a second stage, of nothing staged, and of an unknown image', async () => {
    const { id = '' } = await create('--name', 'order', ...RAW);
    const nothing = await complaint('image-import', id, '--import-method', 'glance-direct');
    expect(nothing.join(' ')).toMatch(/only be applied to an image in status 'uploading'/);
    await glance.ok('image-stage', id, '--file', raw);
    const second = await complaint('image-stage', id, '--file', raw);
    expect(second.join(' ')).toMatch(/"uploading"/);
    const unknown = '11111111-2222-4333-8444-555555555555';
    const missing = await complaint('image-show', unknown);
    expect(missing.join(' ')).toMatch(/No image/);
    await glance.ok('image-delete', id);
  });

  it('read why an import has failed', async () => {
    const { id = '' } = await create('--name', 'liar', '--disk-format', 'vhdx', ...RAW.slice(2));
    await glance.ok('image-stage', id, '--file', raw);
    await glance.ok('image-import', id, '--import-method', 'glance-direct');
    await api.finished(id);
    const [task] = await glance.list('image-tasks', id);
    expect(task?.['Status']).toBe('failure');
    expect(task?.['Message']).toMatch(
      /^introspect: The data is "raw", and disk_format says "vhdx"\. Set disk_format/,
    );
    expect(await show(id)).toMatchObject({ status: 'queued', os_glance_failed_import: 'one' });
  });
});

describe('glance image-create-via-import', () => {
  const command = 'image-create-via-import';

  it('imports a file by glance-direct', async () => {
    const image = await glance.properties(command, '--name', 'direct', ...RAW, '--file', raw);
    const id = image['id'] ?? '';
    expect(['importing', 'active']).toContain(image['status']);
    await api.finished(id);
    expect(await show(id)).toMatchObject({ status: 'active', os_hash_value: await digestOf(raw) });
    const back = path.join(dir.path, 'direct');
    await glance.ok('image-download', id, '--file', back);
    expect(await readFile(back)).toEqual(await readFile(raw));
  });

  it('imports from the web, into all stores', async () => {
    const uri = `${web.url}/disk.qcow2`;
    const how = ['--import-method', 'web-download', '--uri', uri, '--all-stores', 'True'];
    const { id = '' } = await glance.properties(command, '--name', 'web', ...QCOW2, ...how);
    await api.finished(id);
    const image = await show(id);
    expect(image).toMatchObject({ status: 'active', disk_format: 'raw', size: String(8 * MIB) });
    expect(image['stores']?.split(',').sort()).toEqual(['one', 'two']);
  });

  it('says what is wrong with an address', async () => {
    const how = ['--import-method', 'web-download', '--uri', 'ftp://example.org/disk'];
    const lines = await complaint(command, '--name', 'ftp', ...RAW, ...how);
    expect(lines.join(' ')).toMatch(/http/);
  });
});

describe('glance image-import --import-method copy-image', () => {
  it('copies an active image into a second store', async () => {
    const { id = '' } = await create('--name', 'copied', ...RAW, '--file', raw);
    const copy = ['image-import', id, '--import-method', 'copy-image', '--stores', 'two'];
    await glance.ok(...copy);
    await api.finished(id);
    const image = await show(id);
    expect(image['status']).toBe('active');
    expect(image['stores']?.split(',').sort()).toEqual(['one', 'two']);
    const [row] = await glance.list(
      'image-list',
      '--include-stores',
      ...['--property-filter', 'name=copied'],
    );
    expect(row).toMatchObject({ ID: id, Name: 'copied' });
    const again = await complaint(...copy);
    expect(again.join(' ')).toMatch(/two/);
  });
});

describe('glance image-list', () => {
  it('filters, sorts, limits and pages', async () => {
    const ids: string[] = [];
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) {
      const { id } = await api.createImage({ name, series: 'paged', tags: [`tag-${name}`] });
      ids.push(id);
    }
    const of = async (...args: readonly string[]): Promise<readonly string[]> => {
      const series = ['--property-filter', 'series=paged'];
      const rows = await glance.list('image-list', ...series, ...args);
      return rows.map(({ Name = '' }) => Name);
    };
    expect(await of()).toEqual(['p1', 'p2', 'p3', 'p4', 'p5']);
    expect(await of('--page-size', '2')).toEqual(['p1', 'p2', 'p3', 'p4', 'p5']);
    expect(await of('--limit', '3', '--page-size', '2')).toEqual(['p1', 'p2', 'p3']);
    expect(await of('--sort', 'name:desc', '--limit', '2')).toEqual(['p5', 'p4']);
    expect(await of('--tag', 'tag-p3')).toEqual(['p3']);
    expect(await of('--visibility', 'public')).toEqual([]);
    const [, row] = await glance.list(
      ...['--verbose', 'image-list', '--property-filter', 'series=paged'],
    );
    expect(row).toMatchObject({ Name: 'p2', Disk_format: 'raw', Status: 'queued', Size: '' });
    await glance.ok('image-delete', ...ids);
    expect(await of()).toEqual([]);
  });
});

describe('glance image-update and the tag commands', () => {
  it('change and remove what is an image’s own', async () => {
    const { id = '' } = await create('--name', 'before', ...RAW, '--property', 'a=1');
    const updated = await glance.properties(
      ...['image-update', id, '--name', 'after', '--property', 'b=2', '--min-ram', '512'],
      ...['--remove-property', 'a', '--protected', 'True'],
    );
    expect(updated).toMatchObject({ name: 'after', b: '2', min_ram: '512', protected: 'True' });
    expect(updated).not.toHaveProperty('a');
    await glance.ok('image-tag-update', id, 'green');
    expect((await show(id))['tags']).toBe('["green"]');
    await glance.ok('image-tag-delete', id, 'green');
    expect((await show(id))['tags']).toBe('[]');
    const refused = await complaint('image-delete', id);
    expect(refused.join(' ')).toMatch(/not permitted to delete the image/);
    await glance.ok('image-update', id, '--protected', 'False');
    await glance.ok('image-delete', id);
    expect((await complaint('image-show', id)).join(' ')).toMatch(/No image/);
  });

  it('say what cannot be changed', async () => {
    const { id = '' } = await create('--name', 'fixed', ...RAW, '--file', raw);
    const lines = await complaint('image-update', id, '--disk-format', 'qcow2');
    expect(lines.join(' ')).toMatch(/The formats of an image in status "active" cannot be changed/);
  });
});

describe('glance stores-info, import-info and task-list', () => {
  it('tell what the server offers and does', async () => {
    const { stores = '' } = await glance.properties('stores-info');
    expect(JSON.parse(stores)).toEqual([
      { id: 'one', description: 'first', default: 'true' },
      { id: 'two' },
    ]);
    const { 'import-methods': methods = '' } = await glance.properties('import-info');
    expect(JSON.parse(methods)).toMatchObject({
      value: ['glance-direct', 'web-download', 'copy-image'],
    });
    const tasks = await glance.list('task-list');
    expect(tasks.length).toBeGreaterThan(4);
    expect(new Set(tasks.map(({ Type }) => Type))).toEqual(new Set(['api_image_import']));
    const failures = await glance.list('task-list', '--status', 'failure');
    expect(failures.every(({ Status }) => Status === 'failure')).toBe(true);
    expect(failures.length).toBeGreaterThan(0);
  });
});

describe('after all of it', () => {
  it('the invariants hold', async () => {
    await api.quiet();
    expect(await server.stop()).toBe(0);
    expect(await violations(dataDir)).toEqual([]);
  });
});
