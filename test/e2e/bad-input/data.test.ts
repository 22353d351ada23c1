import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import type { Answer, ImportDocument } from '../../support/api-client.js';
import { serveFiles } from '../../support/file-server.js';
import type { FileServer } from '../../support/file-server.js';
import { digestOf, qcow2File, randomFile } from '../../support/images.js';
import { violations } from '../../support/invariants.js';
import { problemOf } from '../../support/problem.js';
import { startServer } from '../../support/server.js';
import type { TestServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';

const MIB = 1024 * 1024;
const CONFIG = `
log: { level: error }
stores: [{ id: one, driver: filesystem, path: store/one }]
images: { max_size: 4 MiB }
imports:
  retry: { attempts: 2, backoff: 20 ms }
  methods:
    - glance-direct
    - { name: web-download, config: { allow: [127.0.0.1/32] } }
`;
const OCTETS = { 'content-type': 'application/octet-stream' };

let dir: Awaited<ReturnType<typeof tempDir>>;
let files: string;
let dataDir: string;
let server: TestServer;
let web: FileServer;
let api: ApiClient;
let raw: string;

beforeAll(async () => {
  dir = await tempDir();
  files = path.join(dir.path, 'files');
  dataDir = path.join(dir.path, 'data');
  await mkdir(files);
  raw = await randomFile(path.join(files, 'raw'), MIB);
  await randomFile(path.join(files, 'large'), 8 * MIB);
  await qcow2File(path.join(files, 'good.qcow2'), 4 * MIB, MIB);
  await promisify(execFile)(
    'qemu-img',
    ['create', '-q', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', '-u', 'unsafe.qcow2', '4M'],
    { cwd: files },
  );
  web = await serveFiles(files);
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  server = await startServer({ dataDir, config });
  api = new ApiClient(server.url);
});

afterAll(async () => {
  await api.quiet();
  expect(await server.stop()).toBe(0);
  expect(await violations(dataDir)).toEqual([]);
  await web[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

function file(name: string): string {
  return path.join(files, name);
}

async function create(diskFormat = 'raw'): Promise<string> {
  return (await api.createImage({ disk_format: diskFormat })).id;
}

function sendInChunks(id: string, how: 'file' | 'stage', name: string): Promise<Answer> {
  const body = createReadStream(file(name));
  return api.call('PUT', `/v2/images/${id}/${how}`, { headers: OCTETS, body });
}

async function download(id: string, uri: string, rest: object = {}): Promise<ImportDocument> {
  const answer = await api.import(id, { method: { name: 'web-download', uri }, ...rest });
  expect(answer.status, answer.text).toBe(202);
  return api.finished(id);
}

/** The image is as it was before its bytes came, and takes the right ones. */
async function takesBytes(id: string): Promise<void> {
  expect(await api.image(id)).toMatchObject({ status: 'queued', size: null, checksum: null });
  await api.call('PATCH', `/v2/images/${id}`, {
    headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
    body: JSON.stringify([{ op: 'replace', path: '/disk_format', value: 'raw' }]),
  });
  expect((await api.send(id, 'file', raw)).status).toBe(204);
  expect((await api.image(id)).os_hash_value).toBe(await digestOf(raw));
}

describe.each(['file', 'stage'] as const)('PUT …/%s', (how) => {
  it('refuses what is announced as too large before it comes', async () => {
    const id = await create();
    const problem = problemOf(await api.send(id, how, file('large')));
    expect(problem).toMatchObject({
      status: 413,
      code: 'IMAGE_TOO_LARGE',
      message: 'The image has 8 MiB, at most 4 MiB are allowed',
      hint: expect.stringContaining('images.max_size') as string,
    });
    await takesBytes(id);
  });

  it('refuses what turns out to be too large', async () => {
    const id = await create();
    const problem = problemOf(await sendInChunks(id, how, 'large'));
    expect(problem).toMatchObject({ status: 413, code: 'SIZE_EXCEEDED' });
    expect(problem.message).toContain('4 MiB');
    await takesBytes(id);
  });

  it.each([
    ['fewer', MIB + 1],
    ['more', MIB - 1],
  ])('refuses %s bytes than were announced', async (_, announced) => {
    const id = await create();
    const answer = await api.call('PUT', `/v2/images/${id}/${how}`, {
      headers: { ...OCTETS, 'x-openstack-image-size': String(announced) },
      body: createReadStream(raw),
    });
    const problem = problemOf(answer);
    expect(problem).toMatchObject({ status: 400, code: 'SIZE_MISMATCH' });
    await takesBytes(id);
  });

  it('refuses an image that reads another file', async () => {
    const id = await create('qcow2');
    const problem = problemOf(await api.send(id, how, file('unsafe.qcow2')));
    expect(problem).toMatchObject({ status: 415, code: 'UNSAFE_IMAGE' });
    expect(problem.message).toMatch(/breaks the safety rule "[a-z-]+" at byte \d+: .*backing/);
    await takesBytes(id);
  });
});

describe('bytes of another format than declared', () => {
  const message = 'The data is "raw", and disk_format says "qcow2"';

  it('are refused by PUT …/file', async () => {
    const id = await create('qcow2');
    const problem = problemOf(await api.send(id, 'file', raw));
    expect(problem).toMatchObject({ status: 415, code: 'FORMAT_MISMATCH', message });
    await takesBytes(id);
  });

  it('are refused by an import of what was staged', async () => {
    const id = await create('qcow2');
    expect((await api.send(id, 'stage', raw)).status).toBe(204);
    await api.import(id, { method: { name: 'glance-direct' } });
    const { state, failure } = await api.finished(id);
    expect([state, failure]).toEqual([
      'failed',
      expect.objectContaining({ class: 'rejected', code: 'FORMAT_MISMATCH', message }),
    ]);
    await takesBytes(id);
  });

  it('are refused by a download', async () => {
    const id = await create('qcow2');
    const { state, failure } = await download(id, `${web.url}/raw`);
    expect([state, failure]).toEqual([
      'failed',
      expect.objectContaining({ class: 'rejected', code: 'FORMAT_MISMATCH', message }),
    ]);
    await takesBytes(id);
  });
});

describe('a wrong checksum', () => {
  const checksum = `sha256:${'0'.repeat(64)}`;

  it('fails the import, and the staged bytes are kept for the next', async () => {
    const id = await create();
    await api.send(id, 'stage', raw);
    await api.import(id, { method: { name: 'glance-direct' }, checksum });
    const { state, failure } = await api.finished(id);
    expect(state).toBe('failed');
    expect(failure).toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    expect(failure?.message).toContain(await digestOf(raw, 'sha256'));
    expect((await api.image(id)).status).toBe('uploading');
    const right = `sha256:${await digestOf(raw, 'sha256')}`;
    await api.import(id, { method: { name: 'glance-direct' }, checksum: right });
    expect((await api.finished(id)).state).toBe('succeeded');
    expect((await api.image(id)).os_hash_value).toBe(await digestOf(raw));
  });

  it('fails a download', async () => {
    const id = await create();
    const { state, failure } = await download(id, `${web.url}/raw`, { checksum });
    expect([state, failure?.code]).toEqual(['failed', 'CHECKSUM_MISMATCH']);
    await takesBytes(id);
  });
});

describe('web-download', () => {
  it.each([
    ['http://10.1.2.3/disk', 'ADDRESS_REFUSED', /allow: .*10\.1\.2\.0\/24/],
    [
      'http://169.254.169.254/latest/meta-data',
      'ADDRESS_REFUSED',
      /allow: .*169\.254\.169\.254\/32/,
    ],
    ['http://[::1]/disk', 'ADDRESS_REFUSED', /allow: .*::1\/128/],
    ['http://2130706434/disk', 'ADDRESS_REFUSED', /allow: /],
    ['ftp://example.org/disk', 'SCHEME_REFUSED', /http/],
    ['file:///etc/passwd', 'SCHEME_REFUSED', /http/],
    ['disk.qcow2', 'URL_INVALID', /./],
  ])('refuses %s: %s', async (uri, code, hint) => {
    const id = await create();
    const problem = problemOf(await api.import(id, { method: { name: 'web-download', uri } }));
    expect(problem).toMatchObject({ status: 400, code });
    expect(problem.hint).toMatch(hint);
    expect(await api.imports(id)).toEqual([]);
    await takesBytes(id);
  });

  it('says what answers, and tries again what may pass', async () => {
    const gone = await serveFiles(files);
    const unreachable = `${gone.url}/raw`;
    await gone[Symbol.asyncDispose]();
    const id = await create();
    const failed = await download(id, unreachable);
    expect(failed).toMatchObject({
      state: 'failed',
      failure: { class: 'transient', code: 'SOURCE_UNREACHABLE' },
    });
    expect(failed.tasks[0]).toMatchObject({ name: 'stage', attempt: 2 });
    const missing = await download(id, `${web.url}/missing`);
    expect(missing).toMatchObject({
      state: 'failed',
      failure: { class: 'permanent', code: 'SOURCE_NOT_FOUND' },
    });
    expect(missing.tasks[0]).toMatchObject({ name: 'stage', attempt: 1 });
    await takesBytes(id);
  });

  it.each([
    ['large', 'SIZE_EXCEEDED'],
    ['unsafe.qcow2', 'UNSAFE_IMAGE'],
  ])('drops %s: %s', async (name, code) => {
    const id = await create('qcow2');
    const { state, failure } = await download(id, `${web.url}/${name}`);
    expect([state, failure]).toEqual([
      'failed',
      expect.objectContaining({ class: 'rejected', code }),
    ]);
    await takesBytes(id);
  });
});
