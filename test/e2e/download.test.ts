import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseByteSize } from '../../core/base/byte-size.js';
import { ApiClient } from '../support/api-client.js';
import { serveCutting } from '../support/cutting-server.js';
import { violations } from '../support/invariants.js';
import { LargeContent } from '../support/large-content.js';
import { startServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

/**
 * A long download over a bad line: the source cuts every connection, and the server is killed twice. The size
 * is small here; `npm run test:download` takes 2 GiB and cuts every 50 MiB.
 */
const SIZE = bytes('STOWAGE_DOWNLOAD_SIZE', '128 MiB');
const CUT = bytes('STOWAGE_DOWNLOAD_CUT', '8 MiB');
/** Bytes a second; a fast disk flushes in between, as it does behind a real line. */
const RATE = bytes('STOWAGE_DOWNLOAD_RATE', '48 MiB');
/** Parts of the image after which the server is killed. */
const KILLS = [0.45, 0.8];
/** Bytes that one kill may cost: what is not yet durable, and what is on its way. */
const LOSS = 48 * 1024 * 1024;
/** Bytes of memory of the whole server. */
const MEMORY = 400 * 1024 * 1024;

function bytes(name: string, standard: string): number {
  const text = process.env[name] ?? standard;
  const parsed = parseByteSize(text);
  if (parsed === undefined) throw new Error(`${name}: not a size: ${text}`);
  return parsed;
}

function configOf(dataDir: string): string {
  return JSON.stringify({
    stores: [{ id: 'one', driver: 'filesystem', path: path.join(dataDir, 'store/one') }],
    imports: {
      methods: [{ name: 'web-download', config: { allow: ['127.0.0.0/8'], max_rate: RATE } }],
    },
  });
}

const BAD_LINE = `
stores: [{ id: one, driver: filesystem, path: store/one }]
imports:
  retry: { attempts: 3, backoff: 10 ms, max_backoff: 50 ms }
  methods: [{ name: web-download, config: { allow: [127.0.0.0/8] } }]
`;

async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

describe('a download whose line is cut with every piece', () => {
  it('goes on while it comes further, over more attempts than one that stands still would have', async () => {
    await using directory = await tempDir();
    const dataDir = path.join(directory.path, 'data');
    const config = path.join(directory.path, 'stowage.yaml');
    await writeFile(config, BAD_LINE);
    const content = new LargeContent(12 * 2 ** 20);
    // Less than what one attempt goes on behind, and than what it has to bring to count.
    await using source = await serveCutting(content, 3 * 2 ** 18);

    let server = await startServer({ dataDir, config });
    const { id } = await new ApiClient(server.url).createImage();
    await new ApiClient(server.url).import(id, {
      method: { name: 'web-download', uri: source.url },
    });
    await source.reached(content.size / 2);
    await server.kill();
    server = await startServer({ dataDir, config });
    const client = new ApiClient(server.url);
    const done = await client.finished(id);
    const image = await client.image(id);
    expect(await server.stop()).toBe(0);

    expect(done.failure).toBeNull();
    expect(done.tasks[0]?.attempt).toBeGreaterThan(10);
    expect(image).toMatchObject({ status: 'active', os_hash_value: content.digest('sha512') });
    expect(await violations(dataDir)).toEqual([]);
  });
});

describe('a download whose line is cut and whose server is killed', () => {
  it('ends active, with the right digest, and fetches little twice', async () => {
    await using directory = await tempDir();
    const dataDir = path.join(directory.path, 'data');
    const config = path.join(directory.path, 'stowage.yaml');
    await writeFile(config, configOf(dataDir));
    const content = new LargeContent(SIZE);
    await using source = await serveCutting(content, CUT);

    const started = performance.now();
    let server = await startServer({ dataDir, config });
    const { id } = await new ApiClient(server.url).createImage();
    const answer = await new ApiClient(server.url).import(id, {
      method: { name: 'web-download', uri: source.url },
    });
    expect(answer.status, answer.text).toBe(202);
    for (const part of KILLS) {
      await source.reached(part * SIZE);
      await server.kill();
      server = await startServer({ dataDir, config });
    }
    const client = new ApiClient(server.url);
    const done = await client.finished(id);
    const seconds = (performance.now() - started) / 1000;
    expect(done.failure).toBeNull();
    const image = await client.image(id);
    const peak = await peakMemory(server.pid);
    await server.stop();

    const ratio = source.served / SIZE;
    const attempts = done.tasks[0]?.attempt;
    console.log({
      SIZE,
      CUT,
      requests: source.requests,
      served: source.served,
      ratio,
      attempts,
      peak,
      seconds,
    });
    expect(image).toMatchObject({
      status: 'active',
      size: SIZE,
      os_hash_algo: 'sha512',
      os_hash_value: content.digest('sha512'),
      checksum: content.digest('md5'),
    });
    expect(attempts).toBe(1 + KILLS.length);
    expect(source.requests).toBeGreaterThanOrEqual(Math.ceil(SIZE / CUT));
    expect(source.served - SIZE).toBeLessThan(KILLS.length * LOSS);
    expect(peak).toBeLessThan(MEMORY);
    if (SIZE >= 2 ** 30) expect(ratio).toBeLessThan(1.1);
    expect(await violations(dataDir)).toEqual([]);
  }, 1_800_000);
});
