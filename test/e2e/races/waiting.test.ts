import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import { violations } from '../../support/invariants.js';
import { startServer } from '../../support/server.js';
import type { TestServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';

/** What fails waits for an hour, unless somebody cancels it. */
const CONFIG = `
log: { level: error }
stores: [{ id: one, driver: filesystem, path: store/one }]
imports:
  methods: [{ name: web-download, config: { allow: [127.0.0.0/8] } }]
  retry: { attempts: 5, backoff: 1 h, max_backoff: 2 h }
`;
const ROUNDS = 60;
/** Milliseconds in which an attempt has usually failed. */
const SPAN = 60;

let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let server: TestServer;
let api: ApiClient;
let uri: string;

beforeAll(async () => {
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  uri = `http://127.0.0.1:${await closedPort()}/disk`;
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  server = await startServer({ dataDir, config });
  api = new ApiClient(server.url);
});

afterAll(async () => {
  await dir[Symbol.asyncDispose]();
});

async function closedPort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}

describe('an import that fails and makes up its mind to wait', () => {
  it('ends at once when it is cancelled at that moment, or deleted', async () => {
    const ends: unknown[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { id } = await api.createImage();
      await api.import(id, { method: { name: 'web-download', uri } });
      await after((round / ROUNDS) * SPAN);
      const [live] = await api.imports(id);
      const answer =
        round % 2 === 0
          ? await api.call('POST', `/stowage/v1/imports/${live?.id ?? ''}/cancel`)
          : await api.call('DELETE', `/v2/images/${id}`);
      const { state } = await api.finished(id);
      ends.push([answer.status, state]);
    }
    expect(ends).toEqual(
      Array.from({ length: ROUNDS }, (_, round) => [round % 2 === 0 ? 202 : 204, 'cancelled']),
    );
    expect(await server.stop()).toBe(0);
    expect(await violations(dataDir)).toEqual([]);
  });
});
