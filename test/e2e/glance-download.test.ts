import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { memberOf } from '../support/http-rig.js';
import { digestOf, randomFile } from '../support/images.js';
import { violations } from '../support/invariants.js';
import { problemOf } from '../support/problem.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const MIB = 1024 * 1024;

let dir: Awaited<ReturnType<typeof tempDir>>;
let far: TestServer;
let near: TestServer;
let api: ApiClient;
/** An active image of the other endpoint, and one that has no bytes. */
let remote: string;
let empty: string;
let disk: string;
let keystone: Awaited<ReturnType<typeof serveTokens>>;

/** Answers sign-ins as Keystone does, and remembers them. */
async function serveTokens() {
  const signedIn: unknown[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      signedIn.push(JSON.parse(Buffer.concat(chunks).toString()));
      const expires_at = new Date(Date.now() + 3_600_000).toISOString();
      res
        .writeHead(201, { 'x-subject-token': 'a-token', 'content-type': 'application/json' })
        .end(JSON.stringify({ token: { expires_at } }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v3`, signedIn, close: () => server.close() };
}

beforeAll(async () => {
  dir = await tempDir();
  disk = await randomFile(path.join(dir.path, 'disk'), 4 * MIB);
  keystone = await serveTokens();
  const farConfig = path.join(dir.path, 'far.yaml');
  await writeFile(farConfig, 'log: { level: warn }\nauth: { mode: headers }\n');
  far = await startServer({ dataDir: path.join(dir.path, 'far'), config: farConfig });
  const them = new ApiClient(far.url);
  const headers = memberOf('there');
  const make = async (): Promise<string> => {
    const json = { disk_format: 'raw', container_format: 'bare' };
    const answer = await them.call('POST', '/v2/images', { json, headers });
    return (answer.body as { id: string }).id;
  };
  [remote, empty] = [await make(), await make()];
  await them.call('PUT', `/v2/images/${remote}/file`, {
    headers: { ...headers, 'content-type': 'application/octet-stream' },
    body: await readFile(disk),
  });

  const nearConfig = path.join(dir.path, 'near.yaml');
  const region = JSON.stringify({
    name: 'far',
    endpoint: far.url,
    headers,
    keystone: {
      url: keystone.url,
      application_credential_id: 'credential',
      application_credential_secret: 'hush',
    },
  });
  await writeFile(
    nearConfig,
    `log: { level: warn }
stores: [{ id: default, driver: filesystem, path: store/default }]
imports:
  methods:
    - name: glance-download
      config: { allow: [127.0.0.0/8], regions: [${region}] }
`,
  );
  near = await startServer({ dataDir: path.join(dir.path, 'near'), config: nearConfig });
  api = new ApiClient(near.url);
});

afterAll(async () => {
  expect(await near.stop()).toBe(0);
  await far.stop();
  keystone.close();
  expect(await violations(path.join(dir.path, 'near'))).toEqual([]);
  await dir[Symbol.asyncDispose]();
});

function download(id: string, method: object): ReturnType<ApiClient['import']> {
  return api.import(id, { method: { name: 'glance-download', ...method } });
}

describe('glance-download', () => {
  it('brings an image of another endpoint, proven by its digest, signed in as the server', async () => {
    const { id } = await api.createImage();
    const answer = await download(id, { glance_region: 'far', glance_image_id: remote });
    expect(answer.status).toBe(202);
    expect(await api.finished(id)).toMatchObject({ state: 'succeeded' });
    expect(await api.image(id)).toMatchObject({
      status: 'active',
      size: 4 * MIB,
      os_hash_value: await digestOf(disk),
    });
    expect(keystone.signedIn).toEqual([
      {
        auth: {
          identity: {
            methods: ['application_credential'],
            application_credential: { id: 'credential', secret: 'hush' },
          },
        },
      },
    ]);
    const [told] = await api.imports(id);
    expect(JSON.stringify(told)).not.toMatch(/hush|a-token/);
    expect(near.output()).not.toMatch(/hush|a-token/);
  });

  it('refuses regions that there are not, and what is no id', async () => {
    const { id } = await api.createImage();
    const unknown = await download(id, { glance_region: 'moon', glance_image_id: remote });
    expect(problemOf(unknown)).toMatchObject({ status: 400, code: 'REGION_UNKNOWN' });
    const odd = await download(id, { glance_region: 'far', glance_image_id: '../x' });
    expect(problemOf(odd)).toMatchObject({ status: 400, code: 'METHOD_PARAMS' });
  });

  it('says why an image cannot be had, and it can be tried again', async () => {
    const { id } = await api.createImage();
    const absent = '00000000-0000-4000-8000-000000000000';
    for (const [image, code] of [
      [absent, 'SOURCE_NOT_FOUND'],
      [empty, 'SOURCE_NOT_ACTIVE'],
    ] as const) {
      await download(id, { glance_region: 'far', glance_image_id: image });
      expect(await api.finished(id)).toMatchObject({ state: 'failed', failure: { code } });
      expect((await api.image(id)).status).toBe('queued');
    }
    await download(id, { glance_region: 'far', glance_image_id: remote });
    expect(await api.finished(id)).toMatchObject({ state: 'succeeded' });
  });
});
