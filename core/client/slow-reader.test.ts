import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGuardedFetch } from './guarded-fetch.js';

/** Crosses the bytes that wait for a reader, at the end of a piece of the socket. */
const BODY = Buffer.alloc(4 * 1024 * 1024, 'x');
const ROUNDS = 20;

const server = createServer((_, res) => {
  res.writeHead(200, { connection: 'close', 'content-length': BODY.length }).end(BODY);
});
const fetch = createGuardedFetch();

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await fetch.stop();
  await new Promise((resolve) => server.close(resolve));
});

describe('a server that closes the connection behind its answer', () => {
  it('gives a slow reader everything, and harms nobody', async () => {
    const { port } = server.address() as AddressInfo;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { body } = await fetch.open(`http://127.0.0.1:${port}/`, {
        allow: ['127.0.0.0/8'],
        connectTimeoutMs: 5_000,
        idleTimeoutMs: 5_000,
        maxRedirects: 0,
        signal: new AbortController().signal,
      });
      for (let wait = 0; wait < 50; wait += 1) await turn();
      expect((await buffer(body)).length).toBe(BODY.length);
    }
  });
});
