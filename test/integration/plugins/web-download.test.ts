import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/base/clock.js';
import type { MethodContext, StreamSource } from '../../../core/api.js';
import { createGuardedFetch } from '../../../core/client/guarded-fetch.js';
import type { GuardedFetchService } from '../../../core/client/guarded-fetch.js';
import { methodContext } from '../../../core/plugin/testing/index.js';
import { WebDownloadConfig } from '../../../plugins/web-download/web-download-config.js';
import { WebDownload } from '../../../plugins/web-download/web-download.js';
import { files, serveSource } from '../../support/source-server.js';
import type { SourceServer } from '../../support/source-server.js';

const LOOPBACK = { allow: ['127.0.0.0/8'] };
const content = randomBytes(200_000);
const never = new AbortController().signal;
let fetch: GuardedFetchService;
let server: SourceServer;

beforeEach(async () => {
  fetch = createGuardedFetch();
  server = await serveSource(files(content));
});
afterEach(async () => {
  await fetch.stop();
  await server[Symbol.asyncDispose]();
});

function method(config: object = LOOPBACK): WebDownload {
  return new WebDownload(WebDownloadConfig.parse(config), fetch, systemClock);
}

async function sourceOf(
  context: Partial<MethodContext> = {},
  config: object = LOOPBACK,
): Promise<StreamSource> {
  const params = { uri: server.url };
  const source = await method(config).source(methodContext({ params, ...context }));
  if (source.kind !== 'stream') throw new Error('no stream');
  return source;
}

async function read(source: StreamSource, offset: number): Promise<Buffer> {
  return buffer(await source.open(offset, never));
}

describe('web-download', () => {
  it('needs one request for all the bytes', async () => {
    const source = await sourceOf();
    expect(source).toMatchObject({
      size: content.length,
      validator: '0 "a" 200000',
      resumable: true,
    });
    expect((await read(source, 0)).equals(content)).toBe(true);
    expect(server.asked).toHaveLength(1);
  });

  it('goes on from an offset, and only with the same content', async () => {
    const source = await sourceOf();
    expect((await read(source, 150_000)).equals(content.subarray(150_000))).toBe(true);
    expect(server.asked[1]).toEqual({ range: 'bytes=150000-', ifRange: '"a"' });
    expect((await read(source, 0)).equals(content)).toBe(true);
  });

  it('starts over when the content has changed', async () => {
    let etag = '"a"';
    server.handler = files(content, () => etag);
    const source = await sourceOf();
    etag = '"b"';
    const changed = { class: 'transient', code: 'SOURCE_CHANGED', retryAfterMs: 0 };
    await expect(source.open(1000, never)).rejects.toMatchObject(changed);
    await expect(source.open(0, never)).rejects.toMatchObject(changed);
  });

  it('skips what it has when a server has given up ranges', async () => {
    const source = await sourceOf();
    server.handler = (_req, res) => res.writeHead(200, { etag: '"a"' }).end(content);
    expect((await read(source, 99_999)).equals(content.subarray(99_999))).toBe(true);
  });

  it('does not resume what nothing identifies', async () => {
    for (const etag of [undefined, 'W/"weak"']) {
      server.handler = files(content, () => etag);
      expect(await sourceOf()).toMatchObject({ validator: undefined, resumable: false });
    }
  });

  it('takes a date for a validator when it is strong', async () => {
    const modified = 'Thu, 01 Jan 2026 00:00:00 GMT';
    server.handler = (_req, res) =>
      res
        .writeHead(206, {
          'last-modified': modified,
          'content-range': `bytes 0-${content.length - 1}/${content.length}`,
        })
        .end(content);
    expect(await sourceOf()).toMatchObject({ validator: `0 ${modified} 200000`, resumable: true });
  });

  it('reads an empty file and one of unknown size', async () => {
    server.handler = (req, res) => {
      if (req.headers.range === undefined) res.writeHead(200, { 'content-length': 0 }).end();
      else res.writeHead(416, { 'content-range': 'bytes */0' }).end('an error page');
    };
    const empty = await sourceOf();
    expect(empty.size).toBe(0);
    expect(await read(empty, 0)).toHaveLength(0);
    server.handler = (_req, res) => res.writeHead(200).end(content);
    const unknown = await sourceOf();
    expect(unknown.size).toBeUndefined();
    expect((await read(unknown, 0)).equals(content)).toBe(true);
  });

  it.each([
    [404, 'permanent', 'SOURCE_NOT_FOUND'],
    [410, 'permanent', 'SOURCE_NOT_FOUND'],
    [401, 'permanent', 'SOURCE_REFUSED'],
    [403, 'permanent', 'SOURCE_REFUSED'],
    [204, 'permanent', 'SOURCE_REFUSED'],
    [429, 'transient', 'SOURCE_UNREACHABLE'],
    [500, 'transient', 'SOURCE_UNREACHABLE'],
    [503, 'transient', 'SOURCE_UNREACHABLE'],
  ])('says what status %i means, without the query', async (status, errorClass, code) => {
    server.handler = (_req, res) => res.writeHead(status, { 'retry-after': '7' }).end();
    const error: unknown = await sourceOf().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ class: errorClass, code, details: { status } });
    expect((error as Error).message).not.toContain('secret');
    if (errorClass === 'transient') expect(error).toMatchObject({ retryAfterMs: 7000 });
  });

  it.each([
    ['ftp://example.org/x', 'SCHEME_REFUSED'],
    ['file:///etc/passwd', 'SCHEME_REFUSED'],
    ['not a url', 'URL_INVALID'],
    ['http://10.20.0.1/x', 'ADDRESS_REFUSED'],
    ['http://[::1]/x', 'ADDRESS_REFUSED'],
    ['http://2130706433/x', 'ADDRESS_REFUSED'],
    ['http://169.254.169.254/latest/meta-data', 'ADDRESS_REFUSED'],
    ['https://user:password@example.org/x', 'URL_CREDENTIALS'],
  ])('refuses %s in the request itself', async (uri, code) => {
    await expect(method({}).check({ uri })).rejects.toMatchObject({ class: 'invalid_input', code });
    expect(server.asked).toHaveLength(0);
  });

  it('takes a private address that the operator has opened', async () => {
    await expect(
      method({ allow: ['10.20.0.0/16'] }).check({ uri: 'http://10.20.0.1/x' }),
    ).resolves.toBeUndefined();
  });

  it('leaves no connection behind when nobody reads for long', async () => {
    server.handler = (_req, res) => {
      res.writeHead(200, { 'content-length': 10_000_000 });
      res.write(content);
    };
    const config = { allow: ['127.0.0.0/8'], idle_timeout: '50 ms' };
    await method(config).source(methodContext({ params: { uri: server.url } }));
    await expect.poll(server.connections).toBe(0);
  });

  it('leaves no connection behind when the import stops before it reads', async () => {
    server.handler = (_req, res) => {
      res.writeHead(200, { 'content-length': 10_000_000 });
      res.write(content);
    };
    const controller = new AbortController();
    await method().source(
      methodContext({ params: { uri: server.url }, signal: controller.signal }),
    );
    controller.abort(new Error('asked to stop'));
    await expect.poll(server.connections).toBe(0);
  });
});

describe('a source that cannot be trusted', () => {
  const range = (start: number, end: number, total: number): string =>
    `bytes ${start}-${end}/${total}`;

  it.each(['gzip', 'br', 'identity, gzip', 'x-unknown'])(
    'is refused when it encodes its bytes as %s',
    async (coding) => {
      server.handler = (_request, response) =>
        response.writeHead(200, { 'content-encoding': coding }).end(content);
      await expect(sourceOf()).rejects.toMatchObject({
        class: 'permanent',
        code: 'SOURCE_ENCODED',
      });
      await expect.poll(server.connections).toBe(0);
    },
  );

  it('is refused when it begins to encode them later', async () => {
    const source = await sourceOf();
    server.handler = (_request, response) =>
      response
        .writeHead(206, { 'content-encoding': 'gzip', 'content-range': range(9, 199_999, 200_000) })
        .end();
    await expect(source.open(9, never)).rejects.toMatchObject({ code: 'SOURCE_ENCODED' });
  });

  it('is asked for the rest when a range ends early', async () => {
    server.handler = (request, response) => {
      const start = Number(/(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
      const end = Math.min(start + 99_999, content.length - 1);
      const headers = { etag: '"a"', 'content-range': range(start, end, content.length) };
      response.writeHead(206, headers).end(content.subarray(start, end + 1));
    };
    const source = await sourceOf();
    expect((await read(source, 0)).equals(content.subarray(0, 100_000))).toBe(true);
    expect((await read(source, 100_000)).equals(content.subarray(100_000))).toBe(true);
  });

  it.each([
    ['starts elsewhere', { 'content-range': range(0, 199_999, 200_000) }],
    ['has no place', {}],
    ['ends behind the end', { 'content-range': range(1000, 200_000, 200_000) }],
    ['has another length', { 'content-range': range(1000, 1999, 200_000), 'content-length': 5 }],
  ])('is refused when its range %s', async (_, headers) => {
    const source = await sourceOf();
    server.handler = (_request, response) => {
      response.writeHead(206, headers).end(content.subarray(0, 5));
    };
    const opening = source.open(1000, never);
    await expect(opening).rejects.toMatchObject({
      code: expect.stringMatching(/^SOURCE_(ANSWER_INVALID|CHANGED)$/) as unknown,
    });
    await expect.poll(server.connections).toBe(0);
  });

  it('has changed when it says so in any way, whether or not it heeds If-Range', async () => {
    const changes: readonly [number, Record<string, string>][] = [
      [206, { etag: '"b"', 'content-range': range(1000, 199_999, 200_000) }],
      [206, { etag: '"a"', 'content-range': range(1000, 299_999, 300_000) }],
      [200, { etag: '"b"', 'content-length': '200000' }],
      [200, { etag: '"a"', 'content-length': '5' }],
      [200, {}],
      [416, { 'content-range': 'bytes */5' }],
    ];
    for (const [status, headers] of changes) {
      server.handler = files(content);
      const context = methodContext({ params: { uri: server.url } });
      const source = await method().source(context);
      if (source.kind !== 'stream') throw new Error('no stream');
      server.handler = (_request, response) => response.writeHead(status, headers).end();
      await expect(source.open(1000, never)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
      // The next attempt asks anew what there is.
      expect(context.checkpoints.at(-1)).toMatchObject({ content: null });
    }
  });

  it('is refused when it is larger than may be downloaded, said or not', async () => {
    const config = { ...LOOPBACK, max_size: 150_000 };
    const refusal = { class: 'rejected', code: 'SIZE_EXCEEDED' };
    await expect(sourceOf({}, config)).rejects.toMatchObject(refusal);
    server.handler = (_request, response) => {
      response.writeHead(200);
      response.write(content.subarray(0, 100));
      response.end(content);
    };
    const source = await sourceOf({}, config);
    expect(source.size).toBeUndefined();
    await expect(read(source, 0)).rejects.toMatchObject(refusal);
    await expect.poll(server.connections).toBe(0);
  });

  it('has so much time in all, and no more', async () => {
    server.handler = (_request, response) => {
      response.writeHead(200, { 'content-length': 1e9 });
      const drip = setInterval(() => response.write('x'), 10);
      response.on('close', () => {
        clearInterval(drip);
      });
    };
    const source = await sourceOf({}, { ...LOOPBACK, total_timeout: '200 ms' });
    await expect(read(source, 0)).rejects.toMatchObject({
      class: 'permanent',
      code: 'SOURCE_TOO_SLOW',
    });
    await expect.poll(server.connections).toBe(0);
  });
});

describe('a download that was begun before', () => {
  it('asks for the missing bytes and nothing else', async () => {
    const first = methodContext({ params: { uri: server.url } });
    const begun = await method().source(first);
    const source = await sourceOf({ resumeFrom: first.checkpoints.at(-1) });
    expect(source).toMatchObject({
      size: 200_000,
      validator: begun.kind === 'stream' ? begun.validator : '',
    });
    expect((await read(source, 150_000)).equals(content.subarray(150_000))).toBe(true);
    expect(await read(source, 200_000)).toHaveLength(0);
    expect(server.asked.map((request) => request.range)).toEqual(['bytes=0-', 'bytes=150000-']);
  });

  it('begins anew where what was kept is of another shape', async () => {
    const source = await sourceOf({ resumeFrom: { mirror: 7, unknown: true } });
    expect(source.size).toBe(200_000);
  });
});
