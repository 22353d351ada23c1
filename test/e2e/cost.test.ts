import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setInterval } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { digestOf, qcow2File, randomFile } from '../support/images.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** Bytes that an import may read and write beside the image: rows, the journal, a directory. */
const BOOKKEEPING = 4 * MIB;

let directory: Awaited<ReturnType<typeof tempDir>>;
let image: string;
beforeAll(async () => {
  directory = await tempDir();
  image = await randomFile(path.join(directory.path, 'image'), GIB);
});
afterAll(async () => {
  await directory[Symbol.asyncDispose]();
});

/** Bytes that the process's system calls have read and written, of files and sockets alike. */
async function bytesMoved(pid: number): Promise<number> {
  const io = await readFile(`/proc/${pid}/io`, 'utf8');
  const value = (name: string): number => Number(new RegExp(`${name}: (\\d+)`).exec(io)?.[1] ?? 0);
  return value('rchar') + value('wchar');
}

/** Measured from the request to the event that tells its client of the end. */
async function importCost(
  client: ApiClient,
  server: TestServer,
  id: string,
): Promise<{ readonly ms: number; readonly bytes: number }> {
  const before = await bytesMoved(server.pid);
  const started = performance.now();
  const answer = await client.import(id, { method: { name: 'glance-direct' } });
  expect(answer.status).toBe(202);
  const events = await client.call('GET', `${String(answer.headers['location'])}/events`);
  const ms = performance.now() - started;
  expect(events.text).toContain('event: import.succeeded');
  expect((await client.image(id)).status).toBe('active');
  return { ms, bytes: (await bytesMoved(server.pid)) - before };
}

describe('an import of an unconverted image', () => {
  it('of 1 GiB moves none of its bytes, also after a restart in between', async () => {
    const dataDir = path.join(directory.path, 'constant');
    let server = await startServer({ dataDir });
    let client = new ApiClient(server.url);
    // The first import of a process also pays for what is loaded and compiled once.
    const warm = await client.createImage();
    await client.send(warm.id, 'stage', await randomFile(path.join(directory.path, 'small'), MIB));
    await importCost(client, server, warm.id);

    const first = await client.createImage();
    await client.send(first.id, 'stage', image);
    const cost = await importCost(client, server, first.id);
    expect(cost.bytes).toBeLessThan(BOOKKEEPING);

    const second = await client.createImage();
    await client.send(second.id, 'stage', image);
    await server.stop();
    server = await startServer({ dataDir });
    client = new ApiClient(server.url);
    const again = await importCost(client, server, second.id);
    expect(again.bytes).toBeLessThan(BOOKKEEPING);
    await server.stop();
    await rm(dataDir, { recursive: true });
    console.log(
      `import of 1 GiB: ${cost.ms.toFixed(0)} ms, ${cost.bytes} bytes moved; ` +
        `after a restart: ${again.ms.toFixed(0)} ms, ${again.bytes} bytes`,
    );
  });
});

describe('an import with conversion to raw', () => {
  it('takes as much staging as there is data, whatever the disk is said to hold', async () => {
    const dataDir = path.join(directory.path, 'sparse');
    const config = path.join(directory.path, 'sparse.yaml');
    await writeFile(
      config,
      `staging: { capacity: 96 MiB }
imports: { pipeline: [stage, introspect, virtual-size, { plugin: convert, config: { output_format: raw } }, store] }
`,
    );
    const disk = await qcow2File(path.join(directory.path, 'sparse.qcow2'), 2 * GIB, 8 * MIB);
    const server = await startServer({ dataDir, config });
    const client = new ApiClient(server.url);
    const { id } = await client.createImage({ disk_format: 'qcow2' });
    expect((await client.send(id, 'stage', disk)).status).toBe(204);
    expect((await client.import(id, { method: { name: 'glance-direct' } })).status).toBe(202);
    expect((await client.finished(id)).failure).toBeNull();
    const { status, disk_format: format, size, os_hash_value: hash } = await client.image(id);
    expect({ status, format, size }).toEqual({ status: 'active', format: 'raw', size: 2 * GIB });
    expect(hash).toBe(await digestOf(`${disk}.raw`));
    await server.stop();
  });
});

async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

describe('memory', () => {
  it('stays under 140 MiB as long as nothing happens', async () => {
    const server = await startServer({ dataDir: path.join(directory.path, 'idle') });
    const resident = await residentMib(server.pid);
    await server.stop();
    console.log(`an idle server: ${resident.toFixed(0)} MiB resident`);
    expect(resident).toBeGreaterThan(0);
    expect(resident).toBeLessThan(140);
  });

  it('stays under 300 MiB with 8 uploads at once', async () => {
    const size = Number(process.env['STOWAGE_TEST_UPLOAD_GIB'] ?? 0.5) * GIB;
    const dataDir = path.join(directory.path, 'memory');
    const server = await startServer({ dataDir });
    const client = new ApiClient(server.url);
    const over = new AbortController();
    let most = 0;
    const watching = (async () => {
      const ticks = setInterval(100, undefined, { signal: over.signal });
      while ((await ticks[Symbol.asyncIterator]().next()).done !== true) {
        most = Math.max(most, await residentMib(server.pid));
      }
    })().catch(() => undefined);
    const big = await randomFile(path.join(directory.path, 'big'), size);
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { id } = await client.createImage();
        expect((await client.send(id, 'stage', big)).status).toBe(204);
        await client.call('DELETE', `/v2/images/${id}`);
      }),
    );
    over.abort();
    await watching;
    await server.stop();
    console.log(`8 uploads of ${size / GIB} GiB: at most ${most.toFixed(0)} MiB resident`);
    expect(most).toBeLessThan(300);
  }, 1_800_000);
});
