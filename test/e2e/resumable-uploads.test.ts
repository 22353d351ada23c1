import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import type { Answer } from '../support/api-client.js';
import { digestOf, randomFile } from '../support/images.js';
import { violations } from '../support/invariants.js';
import { problemOf } from '../support/problem.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';
import { TusUpload } from '../support/tus.js';

const MIB = 2 ** 20;
const UI = 'https://ui.example.org';
/** No upload here ever has so many bytes. */
const BEYOND = 2 ** 40;
const config = (retention: string): string => `
log: { level: error }
server: { cors_origins: ['${UI}'], upload_idle_timeout: 20 s }
auth: { mode: headers }
stores: [{ id: one, driver: filesystem, path: store/one }]
images: { max_size: 64 MiB }
staging: { capacity: 512 MiB, retention: ${retention} }
`;
const MEMBER = { 'x-user-id': 'u', 'x-project-id': 'p', 'x-roles': 'member' };
const STRANGER = { 'x-user-id': 'v', 'x-project-id': 'q', 'x-roles': 'member' };

/** The API as the project `p` uses it. */
class MemberClient extends ApiClient {
  override call(...[method, where, options]: Parameters<ApiClient['call']>): Promise<Answer> {
    return super.call(method, where, { ...options, headers: { ...MEMBER, ...options?.headers } });
  }
}

let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let server: TestServer;
let api: ApiClient;

async function start(retention = '7 d'): Promise<void> {
  const file = path.join(dir.path, 'stowage.yaml');
  await writeFile(file, config(retention));
  server = await startServer({ dataDir, config: file });
  api = new MemberClient(server.url);
}

beforeAll(async () => {
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  await start();
});

afterAll(async () => {
  await api.quiet();
  expect(await server.stop()).toBe(0);
  expect(await violations(dataDir)).toEqual([]);
  await dir[Symbol.asyncDispose]();
});

async function material(name: string, size: number): Promise<{ file: string; bytes: Buffer }> {
  const file = await randomFile(path.join(dir.path, name), size);
  return { file, bytes: await readFile(file) };
}

/** Imports what was sent and holds the result against the file. */
async function becomesActive(imageId: string, file: string): Promise<void> {
  expect((await api.image(imageId)).status).toBe('uploading');
  const answer = await api.import(imageId, { method: { name: 'glance-direct' } });
  expect(answer.status, answer.text).toBe(202);
  await api.finished(imageId);
  const image = await api.image(imageId);
  expect(image).toMatchObject({ status: 'active', os_hash_value: await digestOf(file) });
}

const stagedFiles = (): Promise<readonly string[]> => readdir(path.join(dataDir, 'staging/data'));

/**
 * Asks until the upload is busy; the test's own time limit ends it. From where nothing can be sent, so
 * that asking does not make it so.
 */
async function becomesBusy(upload: TusUpload): Promise<Answer> {
  for (;;) {
    const answer = await upload.patch(BEYOND, '');
    if (answer.status === 423) return answer;
  }
}

/** Bytes that the server has read from its clients since its start. */
async function bytesReceived(): Promise<number> {
  const { text } = await api.call('GET', '/metrics');
  return Number(/^stowage_http_received_bytes_total(?:\{[^}]*\})? (\d+)$/m.exec(text)?.[1] ?? 0);
}

describe('an upload', () => {
  it('goes on behind what was acknowledged when the server was killed', async () => {
    const { file, bytes } = await material('killed', 12 * MIB);
    const { id } = await api.createImage();
    const first = await TusUpload.create(api, id, bytes.length);
    const acknowledged = await first.patch(0, bytes.subarray(0, 5 * MIB));
    expect(acknowledged.status).toBe(204);
    expect(acknowledged.headers['upload-offset']).toBe(String(5 * MIB));
    const body = new PassThrough();
    body.write(bytes.subarray(5 * MIB, 8 * MIB));
    const broken = first.patch(5 * MIB, body).catch(() => undefined);
    await becomesBusy(first);
    await server.kill();
    await broken;
    await start();
    const upload = first.at(api);
    const offset = await upload.offset();
    expect(offset).toBeGreaterThanOrEqual(5 * MIB);
    expect((await upload.patch(offset, bytes.subarray(offset))).status).toBe(204);
    expect(await upload.offset()).toBe(bytes.length);
    await becomesActive(id, file);
  });

  it('keeps what a broken request has brought, and goes on after a graceful stop', async () => {
    const { file, bytes } = await material('stopped', 9 * MIB);
    const { id } = await api.createImage();
    const first = await TusUpload.create(api, id, bytes.length);
    const body = new PassThrough();
    body.write(bytes.subarray(0, 4 * MIB));
    const before = await bytesReceived();
    const running = first.patch(0, body);
    while ((await bytesReceived()) < before + 4 * MIB);
    const stopped = server.stop();
    expect((await running).status).toBe(503);
    expect(await stopped).toBe(0);
    await start();
    const upload = first.at(api);
    const offset = await upload.offset();
    // Some of it may have waited for its turn.
    expect(offset).toBeGreaterThanOrEqual(3 * MIB);
    expect(offset).toBeLessThanOrEqual(4 * MIB);
    expect((await upload.patch(offset, bytes.subarray(offset))).status).toBe(204);
    await becomesActive(id, file);
  });

  it('is sent by one request at a time; asking for the offset ends a request', async () => {
    const { file, bytes } = await material('taken-over', 3 * MIB);
    const { id } = await api.createImage();
    const upload = await TusUpload.create(api, id, bytes.length);
    const body = new PassThrough();
    body.write(bytes.subarray(0, MIB));
    const first = upload.patch(0, body);
    expect(problemOf(await becomesBusy(upload))).toMatchObject({ code: 'UPLOAD_BUSY' });
    const offset = await upload.offset();
    expect(problemOf(await first)).toMatchObject({ status: 409, code: 'UPLOAD_TAKEN_OVER' });
    expect(offset).toBeGreaterThanOrEqual(0);
    expect((await upload.patch(offset, bytes.subarray(offset))).status).toBe(204);
    await becomesActive(id, file);
  });

  it('may be empty', async () => {
    const { id } = await api.createImage();
    const upload = await TusUpload.create(api, id, 0);
    expect(await upload.offset()).toBe(0);
    await api.import(id, { method: { name: 'glance-direct' } });
    await api.finished(id);
    expect(await api.image(id)).toMatchObject({ status: 'active', size: 0 });
    await api.call('DELETE', `/v2/images/${id}`);
  });

  it('can be given up, and begun again', async () => {
    const { id } = await api.createImage();
    const upload = await TusUpload.create(api, id, MIB);
    await upload.patch(0, Buffer.alloc(1000));
    expect((await upload.call('DELETE')).status).toBe(204);
    expect((await upload.call('HEAD')).status).toBe(404);
    expect((await api.image(id)).status).toBe('queued');
    const again = await TusUpload.create(api, id, 3);
    expect((await again.patch(0, 'abc')).status).toBe(204);
    expect((await again.call('DELETE')).status).toBe(204);
    expect((await api.image(id)).status).toBe('queued');
  });

  it('goes with its image', async () => {
    const { id } = await api.createImage();
    const upload = await TusUpload.create(api, id, MIB);
    const body = new PassThrough();
    body.write(Buffer.alloc(1000));
    const running = upload.patch(0, body);
    await becomesBusy(upload);
    expect((await api.call('DELETE', `/v2/images/${id}`)).status).toBe(204);
    expect((await running).status).toBe(410);
    expect((await upload.call('HEAD')).status).toBe(404);

    const { id: other } = await api.createImage();
    await TusUpload.create(api, other, MIB);
    expect((await api.call('DELETE', `/v2/images/${other}`)).status).toBe(204);
  });

  it('of unsafe bytes is refused at its end and leaves nothing', async () => {
    const { id } = await api.createImage({ disk_format: 'qcow2' });
    // A qcow2 of version 3 with a backing file: its name at 512, 4 bytes long.
    const bytes = Buffer.alloc(MIB);
    bytes.write('QFI\xfb', 0, 'latin1');
    bytes.writeUInt32BE(3, 4);
    bytes.writeUInt32BE(512, 12);
    bytes.writeUInt32BE(4, 16);
    bytes.writeUInt32BE(16, 20);
    bytes.writeUInt32BE(MIB, 28);
    bytes.writeUInt32BE(104, 100);
    bytes.write('/etc', 512);
    const upload = await TusUpload.create(api, id, bytes.length);
    expect((await upload.patch(0, bytes.subarray(0, 4096))).status).toBe(204);
    const refused = await upload.patch(4096, bytes.subarray(4096));
    expect(problemOf(refused)).toMatchObject({ status: 415, code: 'UNSAFE_IMAGE' });
    expect((await upload.call('HEAD')).status).toBe(404);
    expect((await api.image(id)).status).toBe('queued');
  });

  it('cannot be imported before it is whole, nor beside other bytes', async () => {
    const { id } = await api.createImage();
    const upload = await TusUpload.create(api, id, MIB);
    await upload.patch(0, Buffer.alloc(100));
    const early = await api.import(id, { method: { name: 'glance-direct' } });
    expect(problemOf(early)).toMatchObject({ status: 409, code: 'NOTHING_STAGED' });
    const second = await TusUpload.begin(api, id, { 'upload-length': '1' });
    expect(problemOf(second)).toMatchObject({ status: 409, code: 'IMAGE_STATE' });
    await upload.call('DELETE');
  });
});

describe('a request', () => {
  const chunk = { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' };

  it.each([
    ['of another version', { 'tus-resumable': '0.2.2' }, 412, 'TUS_VERSION'],
    ['of another type', { ...chunk, 'content-type': 'text/plain' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['without an offset', { ...chunk, 'upload-offset': 'x' }, 400, 'UPLOAD_OFFSET_INVALID'],
    ['from a wrong offset', { ...chunk, 'upload-offset': '1' }, 409, 'UPLOAD_OFFSET'],
    ['of too many bytes', chunk, 413, 'UPLOAD_TOO_LONG'],
    ['of somebody else', { ...chunk, ...STRANGER }, 404, 'IMAGE_NOT_FOUND'],
  ])('%s is refused', async (_, headers, status, code) => {
    const { id } = await api.createImage();
    const upload = await TusUpload.create(api, id, 4);
    const answer = await upload.call('PATCH', { headers, body: '12345' });
    expect(problemOf(answer)).toMatchObject({ status, code });
    expect(answer.headers['tus-resumable']).toBe('1.0.0');
    await upload.call('DELETE');
  });

  it.each([
    ['without a length', {}, 400, 'UPLOAD_LENGTH_INVALID'],
    ['with a length to come', { 'upload-defer-length': '1' }, 400, 'UPLOAD_LENGTH_INVALID'],
    ['for too large an image', { 'upload-length': String(65 * MIB) }, 413, 'IMAGE_TOO_LARGE'],
    [
      'with metadata that is none',
      { 'upload-length': '1', 'upload-metadata': 'a b c d' },
      400,
      'UPLOAD_METADATA_INVALID',
    ],
    ['for somebody else’s image', { 'upload-length': '1', ...STRANGER }, 404, 'IMAGE_NOT_FOUND'],
  ])('that begins an upload %s is refused', async (_, headers, status, code) => {
    const { id } = await api.createImage();
    const answer = await TusUpload.begin(api, id, headers);
    expect(problemOf(answer)).toMatchObject({ status, code });
    expect((await api.image(id)).status).toBe('queued');
  });

  it('for an upload of another image finds none', async () => {
    const [one, other] = [await api.createImage(), await api.createImage()];
    const upload = await TusUpload.create(api, one.id, 4);
    const where = upload.path.replace(one.id, other.id);
    const answer = await api.call('DELETE', where, { headers: { 'tus-resumable': '1.0.0' } });
    expect(problemOf(answer)).toMatchObject({ status: 404, code: 'UPLOAD_NOT_FOUND' });
    await upload.call('DELETE');
  });

  it('tells what is supported, and what was said of an upload', async () => {
    const { id } = await api.createImage();
    const metadata = 'filename ZGlzaw==,is_final';
    const upload = await TusUpload.create(api, id, 4, { 'upload-metadata': metadata });
    expect((await upload.call('OPTIONS')).headers).toMatchObject({
      'tus-version': '1.0.0',
      'tus-extension': 'creation,expiration,termination',
      'tus-max-size': String(64 * MIB),
    });
    const { headers } = await upload.call('HEAD');
    expect(headers).toMatchObject({
      'upload-length': '4',
      'upload-metadata': metadata,
      'cache-control': 'no-store',
    });
    const left = Date.parse(String(headers['upload-expires'])) - Date.now();
    expect(left / 86_400_000).toBeCloseTo(7, 2);
    await upload.call('DELETE');
  });
});

describe('a web page', () => {
  const ask = (origin: string): Promise<Answer> =>
    new ApiClient(server.url).call('OPTIONS', '/v2/images', {
      headers: {
        origin,
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'tus-resumable,upload-offset',
      },
    });

  it('of a listed origin may call, and reads what the protocol tells', async () => {
    expect(await ask(UI)).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': UI,
        'access-control-allow-headers': expect.stringMatching(
          /Tus-Resumable.*Upload-Offset/,
        ) as unknown,
        'access-control-allow-methods': expect.stringContaining('PATCH') as unknown,
      },
    });
    const { id } = await api.createImage();
    const begun = await TusUpload.begin(api, id, { 'upload-length': '4', origin: UI });
    expect(begun.headers['access-control-expose-headers']).toMatch(/Location.*Upload-Offset/);
    const wrong = await TusUpload.begin(api, id, { origin: UI });
    expect(wrong.headers['access-control-allow-origin']).toBe(UI);
  });

  it('of another origin is told nothing', async () => {
    const { headers } = await ask('https://evil.example.org');
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('an upload that nobody goes on with', () => {
  it('expires, and its image is queued again', async () => {
    const { id } = await api.createImage();
    const upload = await TusUpload.create(api, id, MIB);
    expect((await upload.patch(0, Buffer.alloc(1000))).status).toBe(204);
    expect(await server.stop()).toBe(0);
    expect((await stagedFiles()).length).toBeGreaterThan(0);
    await start('1 s');
    // The first round comes with the start, the upload may be younger than a second by then.
    while ((await api.image(id)).status !== 'queued') {
      expect(await server.stop()).toBe(0);
      await start('1 s');
    }
    expect((await upload.at(api).call('HEAD')).status).toBe(404);
  });
});
