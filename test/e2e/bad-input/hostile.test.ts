import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import { violations } from '../../support/invariants.js';
import { startServer } from '../../support/server.js';
import type { TestServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';

const MIB = 1024 * 1024;
const IDLE_CONNECTIONS = 10_000;
const CONFIG = `
log: { level: warn }
server: { upload_idle_timeout: 1 s }
`;

let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let server: TestServer;
let api: ApiClient;

beforeAll(async () => {
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  server = await startServer({ dataDir, config });
  api = new ApiClient(server.url);
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
  expect(await violations(dataDir)).toEqual([]);
  await dir[Symbol.asyncDispose]();
});

/** Sends bytes as they are; resolves with the status of the answer when the connection ends. */
async function raw(...pieces: readonly string[]): Promise<string> {
  const socket = await open();
  for (const piece of pieces) socket.write(piece);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return answer.split('\r\n')[0] ?? '';
}

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

function head(line: string, ...headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, 'Host: 127.0.0.1', ...headers, '', ''].join('\r\n');
}

/** Bytes of memory that the server holds. */
async function memory(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

async function images(): Promise<number> {
  const { body } = await api.call('GET', '/v2/images?limit=1000');
  return (body as { images: readonly unknown[] }).images.length;
}

describe('what is not HTTP as it should be', () => {
  it.each<[string, RegExp, readonly string[]]>([
    ['headers of 1 MiB', / 431 /, [head('GET /v2/images', `X-Big: ${'x'.repeat(MIB)}`)]],
    [
      'ten thousand headers',
      / 431 /,
      [head('GET /v2/images', ...Array.from({ length: 10_000 }, (_, n) => `X-${n}: ${n}`))],
    ],
    ['a line that is no request', / 400 /, ['what?\r\n\r\n']],
    [
      'two lengths',
      / 400 /,
      [head('POST /v2/images', 'Content-Length: 2', 'Content-Length: 3'), '{}'],
    ],
    [
      'a length beside chunks',
      / 400 /,
      [head('POST /v2/images', 'Content-Length: 2', 'Transfer-Encoding: chunked'), '{}'],
    ],
    [
      'chunks that are none',
      / 400 /,
      [
        head(
          'POST /v2/images',
          'Content-Type: application/json',
          'Transfer-Encoding: chunked',
          'Connection: close',
        ),
        'zz\r\n',
      ],
    ],
  ])('%s', async (_, status, pieces) => {
    expect(await raw(...pieces)).toMatch(status);
  });
});

describe('slow and idle clients', () => {
  it('ends an upload that stands still, and holds nothing of it', async () => {
    const { id } = await api.createImage();
    const answer = await raw(
      head(
        `PUT /v2/images/${id}/file`,
        'Content-Type: application/octet-stream',
        'Content-Length: 1000000',
      ),
      'only a little',
    );
    expect(answer).toMatch(/ 408 /);
    expect((await api.image(id)).status).toBe('queued');
    const staging = await readdir(path.join(dataDir, 'staging'), { recursive: true });
    expect(staging.filter((name) => name.includes(id))).toEqual([]);
  });

  it.each(['file', 'stage'])('ends PUT %s of a byte now and then', async (route) => {
    const { id } = await api.createImage();
    const socket = await open();
    socket.write(
      head(
        `PUT /v2/images/${id}/${route}`,
        'Content-Type: application/octet-stream',
        'Content-Length: 1000000',
      ),
    );
    const drip = setInterval(() => socket.write('x'), 100);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    clearInterval(drip);
    socket.destroy();
    expect(answer.toString()).toMatch(/ 408 /);
    expect((await api.image(id)).status).toBe('queued');
  });

  it('serves others beside ten thousand idle connections, in bounded memory', async () => {
    const before = await memory();
    const idle: Socket[] = [];
    while (idle.length < IDLE_CONNECTIONS) {
      idle.push(...(await Promise.all(Array.from({ length: 500 }, open))));
    }
    try {
      const { status } = await api.call('GET', '/v2/images');
      expect(status).toBe(200);
      const grown = (await memory()) - before;
      expect(grown / IDLE_CONNECTIONS).toBeLessThan(32 * 1024);
    } finally {
      for (const socket of idle) socket.destroy();
    }
  });
});

describe('bodies', () => {
  const json = { 'content-type': 'application/json' };
  const patch = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
  const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

  it('refuses 10 MiB of JSON without holding them', async () => {
    const before = await memory();
    const body = `{"name":"${'x'.repeat(10 * MIB)}"}`;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.call('POST', '/v2/images', { headers: json, body })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([413]));
    expect((await memory()) - before).toBeLessThan(100 * MIB);
  });

  it('refuses deep JSON wherever it stands', async () => {
    const { id } = await api.createImage();
    const value = deep(100_000);
    const statuses = await Promise.all(
      [
        api.call('POST', '/v2/images', { headers: json, body: value }),
        api.call('POST', '/v2/images', { headers: json, body: `{"name":${value}}` }),
        api.call('POST', '/v2/images', { headers: json, body: `{"rack":${value}}` }),
        api.call('POST', '/v2/images', { headers: json, body: `{"tags":${value}}` }),
        api.call('PATCH', `/v2/images/${id}`, { headers: patch, body: value }),
        api.call('PATCH', `/v2/images/${id}`, {
          headers: patch,
          body: `[{"op":"add","path":"/a","value":${value}}]`,
        }),
        api.call('POST', `/v2/images/${id}/import`, {
          headers: json,
          body: `{"method":{"name":"glance-direct","a":${value}}}`,
        }),
        api.call('POST', `/v2/images/${id}/members`, {
          headers: json,
          body: `{"member":${value}}`,
        }),
      ].map(async (answer) => (await answer).status),
    );
    for (const status of statuses) expect([400, 409]).toContain(status);
    expect((await api.image(id)).status).toBe('queued');
  });

  it('refuses a body where none is expected', async () => {
    const { id } = await api.createImage();
    const paths: readonly (readonly ['PUT' | 'POST' | 'DELETE', string])[] = [
      ['DELETE', ''],
      ['PUT', '/tags/x'],
      ['DELETE', '/tags/x'],
      ['DELETE', '/members/x'],
      ['POST', '/actions/deactivate'],
      ['POST', '/actions/reactivate'],
    ];
    for (const [method, rest] of paths) {
      const { status } = await api.call(method, `/v2/images/${id}${rest}`, { body: 'a body' });
      expect([method, rest, status]).toEqual([method, rest, 400]);
    }
    expect((await api.image(id))['tags']).toEqual([]);
  });
});

describe('texts', () => {
  const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];

  it('takes names of JavaScript’s own for names, or refuses them', async () => {
    for (const name of NAMES) {
      const body = `{"disk_format":"raw",${JSON.stringify(name)}:"polluted"}`;
      const headers = { 'content-type': 'application/json' };
      const made = await api.call('POST', '/v2/images', { headers, body });
      if (name === '__proto__') {
        expect(made.status).toBe(400);
        continue;
      }
      expect(made.status).toBe(201);
      const { id } = made.body as { id: string };
      expect(Object.entries(await api.image(id))).toContainEqual([name, 'polluted']);
      const found = await api.call('GET', `/v2/images?${name}=polluted`);
      expect((found.body as { images: unknown[] }).images).toHaveLength(1);
    }
    expect(await api.createImage()).not.toHaveProperty('polluted');
  });

  it('refuses control characters and halves of characters in every text', async () => {
    const { id } = await api.createImage();
    const before = await images();
    for (const bad of ['a\u0000b', 'a\u0007b', 'a\u001bb', 'a\u007fb', 'a\ud800b', 'a\u0085b']) {
      const bodies = [
        { name: bad },
        { tags: [bad] },
        { owner: bad },
        { [bad]: 'value' },
        { rack: bad },
      ];
      for (const json of bodies) {
        const { status } = await api.call('POST', '/v2/images', { json });
        expect([json, status]).toEqual([json, 400]);
      }
      const member = await api.call('POST', `/v2/images/${id}/members`, { json: { member: bad } });
      expect([bad, member.status]).toEqual([bad, 400]);
    }
    for (const bad of ['%00', '%07', '%7f', '%1b']) {
      const { status } = await api.call('PUT', `/v2/images/${id}/tags/a${bad}`);
      expect([bad, status]).toEqual([bad, 400]);
    }
    expect(await images()).toBe(before);
  });

  it('keeps characters of four bytes as they are', async () => {
    const text = '\u{1f433} \u{20000}';
    const json = { name: text, tags: [text], rack: text, [text]: text };
    const image = await api.createImage(json);
    expect(await api.image(image.id)).toMatchObject(json);
    const query = new URLSearchParams({ name: text, tag: text, [text]: text });
    const { body } = await api.call('GET', `/v2/images?${query.toString()}`);
    expect((body as { images: { id: string }[] }).images.map(({ id }) => id)).toEqual([image.id]);
  });

  it('finds nothing under ids that are none', async () => {
    const before = await images();
    const ids = ['x', '%00', '..%2f..%2fetc', "'%20OR%201=1--", 'a'.repeat(4_000), '%F0%9F%90%B3'];
    for (const id of ids) {
      for (const rest of ['', '/file', '/members', '/tasks', '/locations']) {
        const { status } = await api.call('GET', `/v2/images/${id}${rest}`);
        expect([id, rest, status]).toEqual([id, rest, 404]);
      }
      expect((await api.call('DELETE', `/v2/images/${id}`)).status).toBe(404);
      expect((await api.call('GET', `/v2/tasks/${id}`)).status).toBe(404);
    }
    const broken = await api.call('GET', '/v2/images/%ff%fe');
    expect([400, 404]).toContain(broken.status);
    expect(await images()).toBe(before);
  });
});
