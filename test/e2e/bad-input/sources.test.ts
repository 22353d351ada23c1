import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import type { ImageDocument, ImportDocument } from '../../support/api-client.js';
import { violations } from '../../support/invariants.js';
import { listenHttp } from '../../support/listener.js';
import { startServer } from '../../support/server.js';
import type { TestServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';

/** What a source on the network may do to an import, and what becomes of the import, the image and the disk. */
const MIB = 1024 * 1024;
const A = randomBytes(4 * MIB);
const B = randomBytes(4 * MIB);
const CONFIG = `
log: { level: debug, format: json }
stores: [{ id: one, driver: filesystem, path: store/one }]
imports:
  retry: { attempts: 3, backoff: 10 ms, max_backoff: 20 ms }
  methods:
    - name: web-download
      config:
        allow: [127.0.0.1/32]
        connect_timeout: 5 s
        idle_timeout: 300 ms
        max_redirects: 3
        credentials: [{ url: 'http://127.0.0.1:‹port›/secret', bearer: { env: SOURCE_TOKEN } }]
`;
const TOKEN = 'hunter2-of-the-config';
const SIGNATURE = 'hunter3-of-the-query';

/** Answers the `nth` request for one path, counted from 0. */
type Source = (nth: number, request: IncomingMessage, response: ServerResponse) => void;

const sources = new Map<string, Source>();
const seen: (string | undefined)[] = [];
let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let web: Server;
let origin: string;
let server: TestServer;
let api: ApiClient;

beforeAll(async () => {
  const counts = new Map<string, number>();
  web = createServer((request, response) => {
    const [name = ''] = (request.url ?? '').slice(1).split('?');
    const nth = counts.get(name) ?? 0;
    counts.set(name, nth + 1);
    seen.push(request.headers.authorization);
    sources.get(name)?.(nth, request, response);
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const { port } = web.address() as AddressInfo;
  origin = `http://127.0.0.1:${port}`;
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, CONFIG.replace('‹port›', String(port)));
  server = await startServer({ dataDir, config, env: { SOURCE_TOKEN: TOKEN } });
  api = new ApiClient(server.url);
});

afterAll(async () => {
  await api.quiet();
  const stopped = await server.stop();
  web.closeAllConnections();
  web.close();
  expect(stopped).toBe(0);
  expect(await violations(dataDir)).toEqual([]);
  const kept = await Promise.all(
    ['', '-wal'].map((end) =>
      readFile(path.join(dataDir, `stowage.sqlite${end}`), 'latin1').catch(() => ''),
    ),
  );
  expect(kept.join('')).not.toContain(TOKEN);
  expect(server.output()).not.toContain(TOKEN);
  expect(server.output()).not.toContain(SIGNATURE);
  await dir[Symbol.asyncDispose]();
});

interface Outcome {
  readonly done: ImportDocument;
  readonly image: ImageDocument;
}

/** Imports from a source of the test's own, by its name. */
async function importFrom(name: string, source: Source, method: object = {}): Promise<Outcome> {
  sources.set(name, source);
  const { id } = await api.createImage();
  const uri = `${origin}/${name}?x-amz-signature=${SIGNATURE}`;
  const answer = await api.import(id, { method: { name: 'web-download', uri, ...method } });
  expect(answer.status, answer.text).toBe(202);
  const done = await api.finished(id);
  return { done, image: await api.image(id) };
}

function failed({ done, image }: Outcome): unknown {
  expect([done.state, image.status, image.size]).toEqual(['failed', 'queued', null]);
  expect(done.failure?.message).not.toContain(SIGNATURE);
  return done.failure;
}

function hasBytes({ done, image }: Outcome, bytes: Buffer): void {
  expect(done.failure).toBeNull();
  expect(image).toMatchObject({
    status: 'active',
    size: bytes.length,
    os_hash_value: createHash('sha512').update(bytes).digest('hex'),
  });
}

/** Sends what the range asks for, at most `limit` bytes of it, then does what `end` says. */
function send(
  bytes: Buffer,
  {
    etag = '"a"',
    limit = Infinity,
    end = cut,
  }: { etag?: string; limit?: number; end?: (response: ServerResponse) => void },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const ifRange = request.headers['if-range'];
  const from = ifRange === undefined || ifRange === etag ? start : 0;
  const isRange = request.headers.range !== undefined && from === start;
  if (isRange && start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  response.writeHead(isRange ? 206 : 200, {
    etag,
    'content-length': bytes.length - from,
    ...(isRange ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  const piece = bytes.subarray(from, from + limit);
  if (piece.length === bytes.length - from) response.end(piece);
  else
    response.write(piece, () => {
      end(response);
    });
}

function cut(response: ServerResponse): void {
  response.socket?.end();
}

function stall(): void {
  // Nothing more comes, and the line stays.
}

describe('a source that stalls', () => {
  it('for good ends the import, and says for how long it was silent', async () => {
    const outcome = await importFrom('stall', (_, request, response) => {
      send(A, { limit: 100_000, end: stall }, request, response);
    });
    expect(failed(outcome)).toMatchObject({ class: 'transient', code: 'SOURCE_STALLED' });
    expect(outcome.done.failure?.message).toContain('has sent nothing for 0.3 s');
    expect(outcome.done.tasks[0]?.attempt).toBe(3);
  });

  it('once is asked again for the rest', async () => {
    const outcome = await importFrom('stall-once', (nth, request, response) => {
      send(A, nth === 0 ? { limit: 100_000, end: stall } : {}, request, response);
    });
    hasBytes(outcome, A);
  });

  it('before it answers at all ends the import', async () => {
    const outcome = await importFrom('mute', stall);
    expect(failed(outcome)).toMatchObject({ class: 'transient', code: 'SOURCE_STALLED' });
  });
});

describe('a source that cuts the line', () => {
  it('after some progress costs no attempt', async () => {
    const outcome = await importFrom('cut', (_, request, response) => {
      send(A, { limit: 1.5 * MIB }, request, response);
    });
    hasBytes(outcome, A);
    expect(outcome.done.tasks[0]?.attempt).toBe(1);
  });

  it('again and again without progress ends the import', async () => {
    const outcome = await importFrom('cut-often', (_, request, response) => {
      send(A, { limit: 50_000 }, request, response);
    });
    expect(failed(outcome)).toMatchObject({ class: 'transient', code: 'SOURCE_BROKEN' });
  });

  it('and takes no ranges is read from the start', async () => {
    const outcome = await importFrom('no-ranges', (nth, _request, response) => {
      response.writeHead(200, { 'content-length': A.length, etag: '"a"' });
      if (nth === 2) response.end(A);
      else
        response.write(A.subarray(0, 2 * MIB), () => {
          cut(response);
        });
    });
    hasBytes(outcome, A);
  });
});

describe('a source that lies', () => {
  it('about its length, having less, is never taken as whole', async () => {
    const outcome = await importFrom('less', (_, request, response) => {
      const start = Number(/(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (start >= 2 * MIB) {
        response.writeHead(416, { 'content-range': `bytes */${2 * MIB}` }).end();
        return;
      }
      const headers = {
        etag: '"a"',
        'content-range': `bytes ${start}-${A.length - 1}/${A.length}`,
      };
      response.writeHead(206, headers);
      response.write(A.subarray(start, 2 * MIB), () => {
        cut(response);
      });
    });
    expect(failed(outcome)).toMatchObject({
      class: 'transient',
      code: expect.stringMatching(/^SOURCE_(BROKEN|CHANGED)$/) as unknown,
    });
  });

  it('about its length, having more, is never taken for what the digest says', async () => {
    const outcome = await importFrom(
      'more',
      (_, _request, response) => {
        response.writeHead(200, { 'content-length': 2 * MIB, connection: 'close' });
        response.flushHeaders();
        response.socket?.write(A);
      },
      { checksum: `sha256:${createHash('sha256').update(A).digest('hex')}` },
    );
    // What follows the announced end is seen when it comes together with it.
    expect(failed(outcome)).toMatchObject({
      code: expect.stringMatching(/^(SOURCE_ANSWER_INVALID|CHECKSUM_MISMATCH)$/) as unknown,
    });
  });

  it('about the range that it sends is refused', async () => {
    const outcome = await importFrom('range', (_, _request, response) => {
      response.writeHead(206, { 'content-range': `bytes 5-9/${A.length}` }).end('12345');
    });
    expect(failed(outcome)).toMatchObject({ class: 'permanent', code: 'SOURCE_ANSWER_INVALID' });
  });

  it('about its encoding is refused', async () => {
    const outcome = await importFrom('gzip', (_, _request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(A);
    });
    expect(failed(outcome)).toMatchObject({ class: 'permanent', code: 'SOURCE_ENCODED' });
  });
});

describe('a digest of the request', () => {
  it.each([
    ['is held against the bytes', { checksum: `md5:${'0'.repeat(32)}` }, 'CHECKSUM_MISMATCH'],
    ['has to be in its list', { checksum_url: '‹origin›/list' }, 'CHECKSUM_NOT_FOUND'],
  ])('%s', async (_, method, code) => {
    sources.set('list', (_nth, _request, response) => response.end('nothing'));
    const text = JSON.stringify(method).replace('‹origin›', origin);
    const outcome = await importFrom(
      `digest-${code}`,
      (_nth, request, response) => {
        send(A, {}, request, response);
      },
      JSON.parse(text) as object,
    );
    expect(failed(outcome)).toMatchObject({ code });
  });
});

describe('a source that changes', () => {
  it('between two pieces gives the new content whole, never a mixture', async () => {
    const outcome = await importFrom('changes', (nth, request, response) => {
      if (nth === 0) send(A, { limit: 1.5 * MIB }, request, response);
      else send(B, { etag: '"b"' }, request, response);
    });
    hasBytes(outcome, B);
  });

  it('and does not heed If-Range gives the new content whole too', async () => {
    const outcome = await importFrom('changes-206', (nth, request, response) => {
      delete request.headers['if-range'];
      if (nth === 0) send(A, { limit: 1.5 * MIB }, request, response);
      else send(B, { etag: '"b"' }, request, response);
    });
    hasBytes(outcome, B);
  });

  it('with every request ends the import', async () => {
    const outcome = await importFrom('changes-always', (nth, request, response) => {
      send(A, { etag: `"${nth}"`, limit: 1.5 * MIB }, request, response);
    });
    expect(failed(outcome)).toMatchObject({ class: 'transient', code: 'SOURCE_CHANGED' });
  });

  it('its mind about ranges, and answers them with 200, is read behind what is there', async () => {
    const outcome = await importFrom('range-200', (nth, request, response) => {
      if (nth > 0) delete request.headers.range;
      send(A, nth === 0 ? { limit: 1.5 * MIB } : {}, request, response);
    });
    hasBytes(outcome, A);
  });
});

describe('a source that leads elsewhere', () => {
  it('to an address that is not open is refused at that hop, with the line that opens it', async () => {
    await using hidden = await listenHttp((_, response) => response.end('reached'), {
      host: '127.0.0.2',
    });
    const outcome = await importFrom('hop', (_, _request, response) => {
      response.writeHead(302, { location: `http://127.0.0.2:${hidden.port}/` }).end();
    });
    const failure = failed(outcome) as { message: string; hint: string };
    expect(failure).toMatchObject({ class: 'invalid_input', code: 'ADDRESS_REFUSED' });
    expect(failure.message).toContain('127.0.0.2');
    expect(failure.message).toContain(`redirected from "${origin}/hop`);
    expect(failure.hint).toContain('allow: [127.0.0.2/32]');
    expect(hidden.connections).toBe(0);
  });

  it.each([
    ['in circles', 'circle', 'TOO_MANY_REDIRECTS'],
    ['to a file', 'file:///etc/passwd', 'SCHEME_REFUSED'],
  ])('%s is refused', async (_, place, code) => {
    const outcome = await importFrom(`to-${place.slice(0, 4)}`, (_nth, request, response) => {
      response.writeHead(302, { location: place === 'circle' ? request.url : place }).end();
    });
    expect(failed(outcome)).toMatchObject({ class: 'invalid_input', code });
  });
});

describe('credentials of the config', () => {
  it('reach their source, and nothing that anybody can read', async () => {
    const outcome = await importFrom('secret', (_, _request, response) => {
      response.writeHead(403).end();
    });
    expect(failed(outcome)).toMatchObject({ class: 'permanent', code: 'SOURCE_REFUSED' });
    expect(seen).toContain(`Bearer ${TOKEN}`);
    const { id } = outcome.done;
    const texts = await Promise.all(
      [`/stowage/v1/imports/${id}`, `/stowage/v1/imports/${id}/events`, `/v2/tasks/${id}`].map(
        async (place) => (await api.call('GET', place)).text,
      ),
    );
    expect(texts.join('')).not.toContain(TOKEN);
    expect(texts.join('')).not.toContain(SIGNATURE);
  });
});
