import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/base/clock.js';
import type { DataSource, StreamSource } from '../../../core/api.js';
import { createGuardedFetch } from '../../../core/client/guarded-fetch.js';
import type { GuardedFetchService } from '../../../core/client/guarded-fetch.js';
import { methodContext } from '../../../core/plugin/testing/index.js';
import { WebDownloadConfig } from '../../../plugins/web-download/web-download-config.js';
import { WebDownload } from '../../../plugins/web-download/web-download.js';

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

describe('web-download', () => {
  const content = randomBytes(200_000);
  const never = new AbortController().signal;
  let fetch: GuardedFetchService;
  let handler: Handler;
  let asked: { readonly range: string | undefined; readonly ifRange: unknown }[];
  let server: ReturnType<typeof createServer>;
  let url: string;

  beforeEach(async () => {
    fetch = createGuardedFetch();
    asked = [];
    server = createServer((req, res) => {
      asked.push({ range: req.headers.range, ifRange: req.headers['if-range'] });
      handler(req, res);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk?signature=secret`;
  });

  afterEach(async () => {
    await fetch.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function method(config: object = { allow: ['127.0.0.0/8'] }): WebDownload {
    return new WebDownload(WebDownloadConfig.parse(config), fetch, systemClock);
  }

  async function sourceOf(uri = url): Promise<StreamSource> {
    const source: DataSource = await method().source(methodContext({ params: { uri } }));
    if (source.kind !== 'stream') throw new Error('no stream');
    return source;
  }

  async function read(source: StreamSource, offset: number): Promise<Buffer> {
    return buffer(await source.open(offset, never));
  }

  function connections(): Promise<number> {
    return new Promise((resolve) => {
      server.getConnections((_error, count) => {
        resolve(count);
      });
    });
  }

  /** As web servers serve files; `etag` may change between requests. */
  function files(etag: () => string | undefined): Handler {
    return (req, res) => {
      const tag = etag();
      const start = Number(/^bytes=(\d+)-$/.exec(req.headers.range ?? '')?.[1] ?? -1);
      const isMatch = req.headers['if-range'] === undefined || req.headers['if-range'] === tag;
      const common = tag === undefined ? {} : { etag: tag };
      if (start < 0 || !isMatch) {
        res.writeHead(200, { ...common, 'content-length': content.length }).end(content);
      } else if (start >= content.length) {
        res.writeHead(416, { 'content-range': `bytes */${content.length}` }).end('no such range');
      } else {
        const range = `bytes ${start}-${content.length - 1}/${content.length}`;
        res.writeHead(206, { ...common, 'content-range': range }).end(content.subarray(start));
      }
    };
  }

  it('needs one request for all the bytes', async () => {
    handler = files(() => '"a"');
    const source = await sourceOf();
    expect(source).toMatchObject({ size: content.length, validator: '"a"', resumable: true });
    expect((await read(source, 0)).equals(content)).toBe(true);
    expect(asked).toHaveLength(1);
  });

  it('goes on from an offset, and only with the same content', async () => {
    handler = files(() => '"a"');
    const source = await sourceOf();
    expect((await read(source, 150_000)).equals(content.subarray(150_000))).toBe(true);
    expect(asked[1]).toEqual({ range: 'bytes=150000-', ifRange: '"a"' });
    expect((await read(source, 0)).equals(content)).toBe(true);
  });

  it('starts over when the content has changed', async () => {
    let etag = '"a"';
    handler = files(() => etag);
    const source = await sourceOf();
    etag = '"b"';
    const changed = { class: 'transient', code: 'SOURCE_CHANGED', retryAfterMs: 0 };
    await expect(source.open(1000, never)).rejects.toMatchObject(changed);
    await expect(source.open(0, never)).rejects.toMatchObject(changed);
  });

  it('skips what it has when a server has given up ranges', async () => {
    handler = files(() => '"a"');
    const source = await sourceOf();
    handler = (_req, res) => res.writeHead(200, { etag: '"a"' }).end(content);
    expect((await read(source, 99_999)).equals(content.subarray(99_999))).toBe(true);
  });

  it('does not resume what nothing identifies', async () => {
    for (const etag of [undefined, 'W/"weak"']) {
      handler = files(() => etag);
      expect(await sourceOf()).toMatchObject({ validator: undefined, resumable: false });
    }
  });

  it('takes a date for a validator when it is strong', async () => {
    const modified = 'Thu, 01 Jan 2026 00:00:00 GMT';
    handler = (_req, res) =>
      res
        .writeHead(206, {
          'last-modified': modified,
          'content-range': `bytes 0-${content.length - 1}/${content.length}`,
        })
        .end(content);
    expect(await sourceOf()).toMatchObject({ validator: modified, resumable: true });
  });

  it('reads an empty file and one of unknown size', async () => {
    handler = (req, res) => {
      if (req.headers.range === undefined) res.writeHead(200, { 'content-length': 0 }).end();
      else res.writeHead(416, { 'content-range': 'bytes */0' }).end('an error page');
    };
    const empty = await sourceOf();
    expect(empty.size).toBe(0);
    expect(await read(empty, 0)).toHaveLength(0);
    handler = (_req, res) => res.writeHead(200).end(content);
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
    handler = (_req, res) => res.writeHead(status, { 'retry-after': '7' }).end();
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
    expect(asked).toHaveLength(0);
  });

  it('takes a private address that the operator has opened', async () => {
    await expect(
      method({ allow: ['10.20.0.0/16'] }).check({ uri: 'http://10.20.0.1/x' }),
    ).resolves.toBeUndefined();
  });

  it('leaves no connection behind when nobody reads for long', async () => {
    handler = (_req, res) => {
      res.writeHead(200, { 'content-length': 10_000_000 });
      res.write(content);
    };
    const config = { allow: ['127.0.0.0/8'], idle_timeout: '50 ms' };
    await method(config).source(methodContext({ params: { uri: url } }));
    await expect.poll(connections).toBe(0);
  });

  it('leaves no connection behind when the import stops before it reads', async () => {
    handler = (_req, res) => {
      res.writeHead(200, { 'content-length': 10_000_000 });
      res.write(content);
    };
    const controller = new AbortController();
    await method().source(methodContext({ params: { uri: url }, signal: controller.signal }));
    controller.abort(new Error('asked to stop'));
    await expect.poll(connections).toBe(0);
  });
});
