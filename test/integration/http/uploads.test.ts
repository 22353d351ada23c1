import { once } from 'node:events';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CapacityError, RejectedError } from '../../../core/base/errors.js';
import type { Upload, Uploads } from '../../../core/engine/service.js';
import { httpRig } from '../../support/http-rig.js';
import type { HttpRig } from '../../support/http-rig.js';

const OCTETS = 'application/octet-stream';

/** Uploads whose end the test decides. */
function uploads(take: (upload: Omit<Upload, 'store'>) => Promise<void>): Uploads {
  return { upload: take, stage: take };
}

async function drained({ body }: Pick<Upload, 'body'>): Promise<number> {
  let size = 0;
  for await (const chunk of body.stream as AsyncIterable<Buffer>) size += chunk.length;
  return size;
}

async function begin(
  rig: HttpRig,
  headers: Record<string, string | number>,
  how: 'file' | 'stage' = 'file',
): Promise<{ request: ClientRequest; id: string }> {
  const { id } = await rig.api.createImage();
  const sent = request(`${rig.url}/v2/images/${id}/${how}`, {
    method: 'PUT',
    headers: { 'content-type': OCTETS, ...headers },
  });
  // A connection that the server closes early is a part of what is tested.
  sent.on('error', () => undefined);
  return { request: sent, id };
}

async function answerTo(sent: ClientRequest): Promise<{
  status: number | undefined;
  headers: IncomingMessage['headers'];
  text: string;
}> {
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  answer.setEncoding('utf8');
  answer.on('error', () => undefined);
  for await (const part of answer as AsyncIterable<string>) text += part;
  return { status: answer.statusCode, headers: answer.headers, text };
}

describe.each(['file', 'stage'] as const)('PUT …/%s', (how) => {
  it('hands the bytes on as they come, with their size where it is known', async () => {
    const seen: unknown[] = [];
    await using rig = await httpRig({
      parts: {
        uploads: uploads(async (upload) => {
          seen.push({ said: upload.body.size, read: await drained(upload) });
        }),
      },
    });
    for (const headers of [
      { 'content-length': '100000' },
      {},
      { 'x-openstack-image-size': '100000' },
    ]) {
      const { request: sent } = await begin(rig, headers, how);
      Readable.from([Buffer.alloc(60_000), Buffer.alloc(40_000)]).pipe(sent);
      expect((await answerTo(sent)).status).toBe(204);
    }
    expect(seen).toEqual([
      { said: 100_000, read: 100_000 },
      { said: undefined, read: 100_000 },
      { said: 100_000, read: 100_000 },
    ]);
    expect((await rig.api.call('GET', '/metrics')).text).toContain(
      'stowage_http_received_bytes_total 300000',
    );
  });

  it.each<[number, string, Record<string, string>]>([
    [415, 'MEDIA_TYPE_UNSUPPORTED', { 'content-type': 'application/json' }],
    [400, 'SIZE_CONTRADICTION', { 'x-openstack-image-size': '5' }],
    [400, 'SIZE_INVALID', { 'x-openstack-image-size': 'many' }],
    [400, 'STORE_NOT_FOUND', { 'x-image-meta-store': 'nowhere' }],
  ])('answers %i %s before it reads', async (status, code, headers) => {
    await using rig = await httpRig({
      parts: { uploads: uploads(() => Promise.reject(new Error('Not to be reached'))) },
    });
    const { id } = await rig.api.createImage();
    const answer = await rig.api.call('PUT', `/v2/images/${id}/${how}`, {
      headers: { 'content-type': OCTETS, ...headers },
      body: Buffer.alloc(10),
    });
    expect([answer.status, answer.body]).toEqual([
      status,
      expect.objectContaining({ error: expect.objectContaining({ code }) as unknown }),
    ]);
  });

  it('answers 409 to an image that is not queued', async () => {
    await using rig = await httpRig();
    const { id } = await rig.api.createImage();
    await rig.database.write((tx) =>
      tx.updateImage(id, { status: ['queued'] }, { status: 'active' }, new Date()),
    );
    const answer = await rig.api.call('PUT', `/v2/images/${id}/${how}`, {
      headers: { 'content-type': OCTETS },
      body: Buffer.alloc(10),
    });
    expect(answer.status).toBe(409);
  });

  it('answers 415 to bytes that break a rule', async () => {
    await using rig = await httpRig({
      parts: {
        uploads: uploads(async (upload) => {
          await drained(upload);
          throw new RejectedError({ code: 'FORMAT_MISMATCH', message: 'It is no qcow2' });
        }),
      },
    });
    const { request: sent } = await begin(rig, {}, how);
    sent.end('bytes');
    expect((await answerTo(sent)).status).toBe(415);
  });
});

describe('a client that waits for 100 Continue', () => {
  it('is asked for its bytes only when they are wanted', async () => {
    let asked = false;
    await using rig = await httpRig({
      parts: {
        uploads: uploads(async (upload) => {
          expect(asked).toBe(false);
          expect(await drained(upload)).toBe(5);
        }),
      },
    });
    const { request: sent } = await begin(rig, { expect: '100-continue', 'content-length': 5 });
    sent.once('continue', () => {
      asked = true;
      sent.end('bytes');
    });
    sent.flushHeaders();
    expect((await answerTo(sent)).status).toBe(204);
    expect(asked).toBe(true);
  });

  it('sends nothing when it is refused', async () => {
    await using rig = await httpRig({
      parts: {
        uploads: uploads(() =>
          Promise.reject(
            new CapacityError({ code: 'STAGING_FULL', message: 'It is full', retryAfter: 30 }),
          ),
        ),
      },
    });
    const { request: sent } = await begin(rig, {
      expect: '100-continue',
      'content-length': 1024 ** 4,
    });
    let asked = false;
    sent.once('continue', () => (asked = true));
    sent.flushHeaders();
    const answer = await answerTo(sent);
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ 'retry-after': '30', connection: 'close' });
    expect(asked).toBe(false);
  });

  it('is asked for a JSON body as well', async () => {
    await using rig = await httpRig();
    const sent = request(`${rig.url}/v2/images`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', expect: '100-continue', 'content-length': 2 },
    });
    sent.once('continue', () => sent.end('{}'));
    sent.flushHeaders();
    expect((await answerTo(sent)).status).toBe(201);
  });
});

describe('an upload that ends early', () => {
  it('is answered at once, while the client is still sending, and the connection closed', async () => {
    await using rig = await httpRig({
      parts: {
        uploads: uploads(async ({ body }) => {
          await once(body.stream, 'readable');
          throw new CapacityError({ code: 'STAGING_FULL', message: 'It is full', retryAfter: 5 });
        }),
      },
    });
    const { request: sent } = await begin(rig, {});
    const endless = new Readable({
      read() {
        setImmediate(() => this.push(Buffer.alloc(64 * 1024)));
      },
    });
    endless.pipe(sent);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(503);
    expect(answer.headers.connection).toBe('close');
    endless.destroy();
    sent.destroy();
  });

  it('gives its answer also to a client that sends everything first', async () => {
    await using rig = await httpRig({
      parts: {
        uploads: uploads(() =>
          Promise.reject(new CapacityError({ code: 'TOO_MUCH', message: 'It is too much' })),
        ),
      },
    });
    const { id } = await rig.api.createImage();
    const socket = connect(Number(new URL(rig.url).port), '127.0.0.1').pause();
    socket.write(
      `PUT /v2/images/${id}/file HTTP/1.1\r\nHost: localhost\r\n` +
        `Content-Type: ${OCTETS}\r\nContent-Length: ${160 * 65_536}\r\n\r\n`,
    );
    for (let count = 0; count < 160; count += 1) {
      if (!socket.write(Buffer.alloc(64 * 1024))) await once(socket, 'drain');
    }
    let text = '';
    for await (const part of socket.setEncoding('utf8') as AsyncIterable<string>) text += part;
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('aborts the signal and the bytes when the client goes away', async () => {
    let report: (what: unknown) => void;
    const reported = new Promise((resolve) => (report = resolve));
    let begun: () => void;
    const started = new Promise<void>((resolve) => (begun = resolve));
    await using rig = await httpRig({
      parts: {
        uploads: uploads(async ({ body, signal }) => {
          body.stream.once('data', () => {
            begun();
          });
          const failure = await once(body.stream, 'close').catch((error: unknown) => error);
          report({ code: (failure as { code?: string }).code, aborted: signal.aborted });
          throw failure as Error;
        }),
      },
    });
    const { request: sent } = await begin(rig, { 'content-length': 1000 });
    sent.write('some');
    await started;
    sent.destroy();
    expect(await reported).toEqual({ code: 'CLIENT_GONE', aborted: true });
  });

  it('goes on without a client that has sent everything', async () => {
    let report: (aborted: boolean) => void;
    const reported = new Promise((resolve) => (report = resolve));
    const finished = new AbortController();
    let all: () => void;
    const received = new Promise<void>((resolve) => (all = resolve));
    await using rig = await httpRig({
      parts: {
        uploads: uploads(async (upload) => {
          await drained(upload);
          all();
          await once(finished.signal, 'abort');
          report(upload.signal.aborted);
        }),
      },
    });
    const { request: sent } = await begin(rig, { 'content-length': 4 });
    sent.end('some');
    await received;
    sent.destroy();
    await rig.api.call('GET', '/healthcheck');
    finished.abort();
    expect(await reported).toBe(false);
  });

  it('is answered 408 when nothing comes', async () => {
    await using rig = await httpRig({
      config: (config) => ({ ...config, server: { ...config.server, uploadIdleTimeoutMs: 50 } }),
      parts: {
        uploads: uploads(async (upload) => {
          await drained(upload);
        }),
      },
    });
    const { request: sent } = await begin(rig, { 'content-length': 1000 });
    sent.write('some');
    const answer = await answerTo(sent);
    expect(answer.status).toBe(408);
    expect(answer.text).toContain('UPLOAD_STALLED');
  });

  it.each([
    { every: 10, bytes: 1, status: 408 },
    { every: 10, bytes: 10_000, status: 204 },
  ])('of $bytes B every $every ms is answered $status', async ({ every, bytes, status }) => {
    const limits = { uploadIdleTimeoutMs: 2_000, uploadMinRate: 1_000 };
    await using rig = await httpRig({
      config: (config) => ({ ...config, server: { ...config.server, ...limits } }),
      parts: {
        uploads: uploads(async (upload) => {
          await drained(upload);
        }),
      },
    });
    const { request: sent } = await begin(rig, {});
    const answer = answerTo(sent);
    const drip = setInterval(() => sent.write(Buffer.alloc(bytes)), every);
    // Three windows, where the server does not end it before.
    const enough = setTimeout(() => {
      clearInterval(drip);
      sent.end();
    }, 5_000);
    const { status: answered, text } = await answer;
    clearInterval(drip);
    clearTimeout(enough);
    expect(answered).toBe(status);
    if (status === 408) expect(text).toMatch(/UPLOAD_STALLED.*Only \d+ bytes came/s);
  });

  it('may stand still as long as the reader does', async () => {
    await using rig = await httpRig({
      config: (config) => ({ ...config, server: { ...config.server, uploadIdleTimeoutMs: 1_000 } }),
      parts: {
        uploads: uploads(async (upload) => {
          await new Promise((resolve) => setTimeout(resolve, 1_500));
          expect(await drained(upload)).toBe(3_000_000);
        }),
      },
    });
    const { request: sent } = await begin(rig, {});
    sent.end(Buffer.alloc(3_000_000));
    expect((await answerTo(sent)).status).toBe(204);
  });
});

describe('the server that stops', () => {
  it('finishes what it has begun, and takes nothing new', async () => {
    let begun: () => void;
    const started = new Promise<void>((resolve) => (begun = resolve));
    await using rig = await httpRig({
      parts: {
        uploads: uploads(async (upload) => {
          begun();
          await drained(upload);
        }),
      },
    });
    const { request: sent } = await begin(rig, {});
    sent.write('some');
    await started;
    const closed = rig.close(60_000);
    const { port } = new URL(rig.url);
    const late = connect(Number(port), '127.0.0.1');
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    sent.end('more');
    expect((await answerTo(sent)).status).toBe(204);
    await closed;
  });

  it('breaks off what does not end within the deadline', async () => {
    let begun: () => void;
    const started = new Promise<void>((resolve) => (begun = resolve));
    await using rig = await httpRig({
      parts: {
        uploads: uploads(async (upload) => {
          begun();
          await drained(upload);
        }),
      },
    });
    const { request: sent } = await begin(rig, {});
    sent.write('some');
    await started;
    const broken = new Promise((resolve) => sent.once('close', resolve));
    await rig.close(50);
    await broken;
  });
});
