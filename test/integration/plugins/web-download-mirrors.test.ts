import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/base/clock.js';
import type { MethodContext, StreamSource } from '../../../core/api.js';
import { createGuardedFetch } from '../../../core/client/guarded-fetch.js';
import type { GuardedFetchService } from '../../../core/client/guarded-fetch.js';
import { methodContext } from '../../../core/plugin/testing/index.js';
import { WebDownloadConfig } from '../../../plugins/web-download/web-download-config.js';
import { WebDownload } from '../../../plugins/web-download/web-download.js';
import { lookups } from '../../support/fetching.js';
import { listenHttps } from '../../support/listener.js';
import { serveProxy } from '../../support/proxy-server.js';
import { tempDir } from '../../support/temp-dir.js';
import { TLS_CERTIFICATE } from '../../support/tls-certificate.js';
import { files, serveSource } from '../../support/source-server.js';
import type { Handler, SourceServer } from '../../support/source-server.js';

const content = randomBytes(200_000);
const sha256 = createHash('sha256').update(content).digest('hex');
const never = new AbortController().signal;
const down: Handler = (_request, response) => response.writeHead(503).end();
const gone: Handler = (_request, response) => response.writeHead(404).end();
let fetch: GuardedFetchService;
let one: SourceServer;
let two: SourceServer;

beforeEach(async () => {
  fetch = createGuardedFetch();
  one = await serveSource(files(content, () => '"one"'));
  two = await serveSource(files(content, () => '"two"'));
});
afterEach(async () => {
  await fetch.stop();
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
});

function method(config: object = {}): WebDownload {
  const parsed = WebDownloadConfig.parse({ allow: ['127.0.0.0/8'], ...config });
  return new WebDownload(parsed, fetch, systemClock);
}

async function sourceOf(
  params: object,
  context: Partial<MethodContext> = {},
): Promise<StreamSource> {
  const all = { uri: one.url, ...params };
  const source = await method().source(methodContext({ ...context, params: all }));
  if (source.kind !== 'stream') throw new Error('no stream');
  return source;
}

async function read(source: StreamSource, offset: number): Promise<Buffer> {
  return buffer(await source.open(offset, never));
}

describe('mirrors', () => {
  it.each([
    ['does not answer', down],
    ['does not have the image', gone],
  ])('are asked in turn when the one before %s', async (_, handler) => {
    one.handler = handler;
    const source = await sourceOf({ mirrors: [two.url] });
    expect((await read(source, 0)).equals(content)).toBe(true);
    expect([one.asked.length, two.asked.length]).toEqual([1, 1]);
  });

  it('all fail with what each has failed with', async () => {
    one.handler = gone;
    two.handler = down;
    const passing: unknown = await sourceOf({ mirrors: [two.url] }).catch(
      (error: unknown) => error,
    );
    expect(passing).toMatchObject({ class: 'transient', code: 'SOURCE_UNREACHABLE' });
    expect((passing as Error).message).toMatch(/None of 2 addresses.*404.*503/);
    expect((passing as Error).message).not.toContain('secret');
    two.handler = gone;
    await expect(sourceOf({ mirrors: [two.url] })).rejects.toMatchObject({
      class: 'permanent',
      code: 'SOURCES_FAILED',
    });
  });

  it('go on with each other’s bytes where a digest decides in the end', async () => {
    const context = methodContext();
    const params = { mirrors: [two.url], checksum: `SHA256:${sha256}` };
    const source = await sourceOf(params, {
      checkpoint: (position) => context.checkpoint(position),
    });
    expect(source).toMatchObject({ resumable: true, expectedDigests: { sha256 } });
    one.handler = down;
    expect((await read(source, 150_000)).equals(content.subarray(150_000))).toBe(true);
    expect(two.asked).toEqual([{ range: 'bytes=150000-', ifRange: undefined }]);
    // A later attempt begins with the one that works, and is the same content to the engine.
    const resumed = await sourceOf(params, { resumeFrom: context.checkpoints.at(-1) });
    expect(resumed.validator).toBe(source.validator);
    expect((await read(resumed, 190_000)).equals(content.subarray(190_000))).toBe(true);
    expect(two.asked).toHaveLength(2);
  });

  it('do so as well with the digest of the whole request', async () => {
    const expectedDigest = { algorithm: 'sha256', value: sha256 };
    const source = await sourceOf({ mirrors: [two.url] }, { expectedDigest });
    one.handler = down;
    expect((await read(source, 150_000)).equals(content.subarray(150_000))).toBe(true);
  });

  it('that have another length are not gone on with', async () => {
    const context = methodContext();
    const source = await sourceOf(
      { mirrors: [two.url], checksum: `sha256:${sha256}` },
      { checkpoint: (position) => context.checkpoint(position) },
    );
    two.handler = files(content.subarray(0, 199_999), () => '"two"');
    const begun = context.checkpoints.at(-1);
    one.handler = down;
    await expect(source.open(1000, never)).rejects.toMatchObject({
      class: 'transient',
      code: 'SOURCE_UNREACHABLE',
    });
    // The first may come back with the bytes that are missing.
    expect(context.checkpoints.at(-1)).toEqual(begun);
    one.handler = files(content.subarray(0, 199_998), () => '"one"');
    await expect(source.open(1000, never)).rejects.toMatchObject({ class: 'transient' });
    expect(context.checkpoints.at(-1)).toMatchObject({ content: null });
  });

  it('go on where one has changed', async () => {
    const source = await sourceOf({ mirrors: [two.url], checksum: `sha256:${sha256}` });
    one.handler = files(content.subarray(0, 500), () => '"one"');
    expect((await read(source, 1000)).equals(content.subarray(1000))).toBe(true);
    expect(two.asked).toHaveLength(1);
  });

  it('do not mix their bytes without a digest: the next begins anew', async () => {
    const context = methodContext();
    const params = { mirrors: [two.url] };
    const first = await sourceOf(params, {
      checkpoint: (position) => context.checkpoint(position),
    });
    one.handler = down;
    // Once it may be a pause; the same address is tried again.
    await expect(first.open(1000, never)).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    const second = await sourceOf(params, {
      checkpoint: (position) => context.checkpoint(position),
      resumeFrom: context.checkpoints.at(-1),
    });
    expect(second.validator).toBe(first.validator);
    await expect(second.open(1000, never)).rejects.toMatchObject({
      class: 'transient',
      code: 'SOURCE_CHANGED',
      retryAfterMs: 0,
    });
    expect(two.asked).toHaveLength(0);
    const third = await sourceOf(params, { resumeFrom: context.checkpoints.at(-1) });
    expect(third.validator).not.toBe(first.validator);
    expect((await read(third, 0)).equals(content)).toBe(true);
    expect(two.asked[0]?.range).toBe('bytes=0-');
  });

  it('are judged in the request itself, the list of digests too', async () => {
    const refused = { class: 'invalid_input', code: 'ADDRESS_REFUSED' };
    const uri = 'https://example.org/x';
    await expect(
      method().check({ uri, mirrors: [uri, 'http://10.0.0.1/x'] }),
    ).rejects.toMatchObject(refused);
    await expect(
      method().check({ uri, checksum_url: 'http://169.254.169.254/SHA256SUMS' }),
    ).rejects.toMatchObject(refused);
    await expect(
      method().check({ uri, mirrors: ['https://u:p@example.org/x'] }),
    ).rejects.toMatchObject({ code: 'URL_CREDENTIALS' });
    await expect(method().check({ uri: 'http://93.184.215.14:22/' })).rejects.toMatchObject({
      code: 'PORT_REFUSED',
    });
  });
});

describe('a list of digests', () => {
  function serving(text: string, status = 200): Handler {
    return (_request, response) => response.writeHead(status).end(text);
  }

  it('is read once, and its digest kept with the download', async () => {
    two.handler = serving(`${'0'.repeat(64)}  other\n${sha256} *disk\n`);
    const context = methodContext();
    const params = { checksum_url: two.url };
    const source = await sourceOf(params, {
      checkpoint: (position) => context.checkpoint(position),
    });
    expect(source.expectedDigests).toEqual({ sha256 });
    two.handler = down;
    const resumed = await sourceOf(params, { resumeFrom: context.checkpoints.at(-1) });
    expect(resumed.expectedDigests).toEqual({ sha256 });
  });

  it.each([
    ['names another file', serving(`${sha256}  other`), 'permanent', 'CHECKSUM_NOT_FOUND'],
    ['is not there', serving('', 404), 'permanent', 'SOURCE_NOT_FOUND'],
    ['cannot be had now', serving('', 503), 'transient', 'SOURCE_UNREACHABLE'],
    ['has no end', serving('x'.repeat(2_000_000)), 'permanent', 'CHECKSUM_LIST_TOO_LARGE'],
  ])(
    'fails the import when it %s, before the image is asked for',
    async (_, handler, kind, code) => {
      two.handler = handler;
      await expect(sourceOf({ checksum_url: two.url })).rejects.toMatchObject({
        class: kind,
        code,
      });
      expect(one.asked).toHaveLength(0);
      await expect.poll(two.connections).toBe(0);
    },
  );
});

describe('the config', () => {
  it('says whom to trust and which way to go', async () => {
    await using directory = await tempDir();
    const ca = path.join(directory.path, 'ca.pem');
    await writeFile(ca, TLS_CERTIFICATE.cert);
    await using source = await listenHttps(
      () => undefined,
      (_, response) => response.end(content),
    );
    await using proxy = await serveProxy();
    const named = createGuardedFetch({ lookup: lookups(['127.0.0.1']).lookup });
    const config = WebDownloadConfig.parse({
      allow: ['127.0.0.0/8'],
      ca_file: ca,
      proxy: { url: proxy.url, username: 'us', password: 'er' },
    });
    const context = methodContext({ params: { uri: `https://images.test:${source.port}/disk` } });
    const found = await new WebDownload(config, named, systemClock).source(context);
    if (found.kind !== 'stream') throw new Error('no stream');
    expect((await read(found, 0)).equals(content)).toBe(true);
    expect(proxy.asked).toEqual([
      {
        authority: `127.0.0.1:${source.port}`,
        authorization: `Basic ${Buffer.from('us:er').toString('base64')}`,
      },
    ]);
  });
});

describe('credentials', () => {
  it('of the config are sent to their own URL and appear nowhere else', async () => {
    const seen: unknown[] = [];
    const record: Handler = (request) => seen.push(request.headers.authorization);
    one.handler = (request, response) => {
      record(request, response);
      response.writeHead(302, { location: two.url }).end();
    };
    two.handler = (request, response) => {
      record(request, response);
      response.writeHead(401).end();
    };
    const context = methodContext({ params: { uri: one.url } });
    const config = { credentials: [{ url: new URL(one.url).origin, bearer: 'hunter2' }] };
    const error: unknown = await method(config)
      .source(context)
      .catch((thrown: unknown) => thrown);
    expect(seen).toEqual(['Bearer hunter2', undefined]);
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED' });
    expect(JSON.stringify([error, context.checkpoints])).not.toContain('hunter2');
    expect((error as { hint: string }).hint).toContain(`url: ${new URL(two.url).origin}/`);
  });
});
