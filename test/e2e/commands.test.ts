import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { start, startStowage, stowage } from '../support/command.js';
import type { Finished } from '../support/command.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

let dir: Awaited<ReturnType<typeof tempDir>>;
let server: TestServer;
let dataDir: string;
let disk: string;

beforeAll(async () => {
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  disk = path.join(dir.path, 'disk.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '64M']);
  server = await startServer({ dataDir });
});

afterAll(async () => {
  await server.stop();
  await dir[Symbol.asyncDispose]();
});

function run(...args: string[]): Promise<Finished> {
  return stowage([...args, '--data-dir', dataDir]);
}

async function newestImport(): Promise<{ id: string; image_id: string; state: string }> {
  const { out } = await run('imports', 'list', '--limit', '1', '--json');
  return JSON.parse(out) as { id: string; image_id: string; state: string };
}

describe('stowage import', () => {
  it('finds the server of the data directory, shows each task and the image', async () => {
    const { code, out, err } = await run(
      'import',
      disk,
      '--name',
      'one',
      '--property',
      'os_distro=debian',
    );
    expect(err).toBe('');
    expect(code).toBe(0);
    for (const task of ['upload', 'stage', 'introspect', 'virtual-size', 'store → default']) {
      expect(out).toContain(`✔ ${task}`);
    }
    expect(out).toMatch(/name +one\n +status +active\n +disk_format +qcow2/);
    expect(out).toMatch(/virtual_size +67108864 \(64 MiB\)/);
    expect(out).toMatch(/os_distro +debian/);
    const sha512 = createHash('sha512').update(readFileSync(disk)).digest('hex');
    expect(out).toMatch(new RegExp(`os_hash_value +${sha512}`));
    // No codes for a terminal that is not there.
    expect(out).not.toContain('\u001b');
  });

  it('prints events as JSON, one on a line', async () => {
    const { code, out } = await run('import', disk, '--json');
    expect(code).toBe(0);
    const events = out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events.slice(0, 2)).toEqual(['image.created', 'import.accepted']);
    expect(events.slice(-2)).toEqual(['import.succeeded', 'image.active']);
  });

  it('ends with 4 when the import fails, with the reason and what to do', async () => {
    const wrong = createHash('sha256').update('other').digest('hex');
    const { code, err } = await run('import', disk, '--checksum', `sha256:${wrong}`);
    expect(code).toBe(4);
    expect(err).toMatch(
      /ended as "failed" in task "stage": The sha256 of the data is .*See: stowage imports show/s,
    );
    const { id } = await newestImport();
    const shown = await run('imports', 'show', id);
    expect(shown.out).toMatch(/state +failed/);
    expect(shown.out).toMatch(/CHECKSUM_MISMATCH/);
    expect(shown.out).toMatch(/− introspect +not begun/);
  });

  it('leaves no image behind when the import is not accepted', async () => {
    const client = new ApiClient(server.url);
    const count = async (): Promise<number> =>
      ((await client.call('GET', '/v2/images?limit=100')).body as { images: unknown[] }).images
        .length;
    const before = await count();
    const { code, err } = await run('import', disk, '--store', 'nope');
    expect([code, err]).toEqual([1, expect.stringContaining('Unknown store "nope"')]);
    expect(await count()).toBe(before);
  });

  it('leaves with --no-wait, and on Ctrl-C with 130; the import goes on', async () => {
    const big = path.join(dir.path, 'big.raw');
    writeFileSync(big, Buffer.alloc(64 * 2 ** 20, 1));
    const left = await run('import', big, '--no-wait');
    expect([left.code, left.out]).toEqual([0, expect.stringContaining('is under way')]);

    const running = startStowage(['import', big, '--data-dir', dataDir]);
    await running.said(/stage/);
    running.process.kill('SIGINT');
    const { code } = await running.finished;
    const { id, image_id } = await newestImport();
    const followed = await run('imports', 'show', id, '--follow');
    expect(followed.code).toBe(0);
    expect((await new ApiClient(server.url).image(image_id)).status).toBe('active');
    // It may have ended just before the signal came.
    expect([130, 0]).toContain(code);
  });

  it('does it in its own process where no server runs', async () => {
    const alone = path.join(dir.path, 'alone');
    const { code, out, err } = await stowage(['import', disk, '--data-dir', alone]);
    expect(err).toBe(`No server runs on ${alone}: importing in this process\n`);
    expect([code, out]).toEqual([0, expect.stringMatching(/status +active/)]);
    const refused = await stowage(['import', disk, '--data-dir', alone, '--no-wait']);
    expect([refused.code, refused.err]).toEqual([
      2,
      expect.stringContaining('needs a running server'),
    ]);
  });
});

describe('stowage imports', () => {
  it('lists, shows, plans, and says what cannot be done', async () => {
    await run('import', disk);
    const { id, image_id } = await newestImport();
    expect((await run('imports', 'list', '--image', image_id)).out).toMatch(
      new RegExp(`${id} +${image_id} +glance-direct +succeeded`),
    );
    expect((await run('imports', 'show', id)).out).toMatch(/state +succeeded\n/);
    const cancelled = await run('imports', 'cancel', id);
    expect([cancelled.code, cancelled.err]).toEqual([
      1,
      expect.stringContaining('cannot be cancelled'),
    ]);
    expect((await run('imports', 'retry', id)).code).toBe(1);
    expect((await run('imports', 'show', 'nope')).code).toBe(1);

    const queued = await new ApiClient(server.url).createImage({ disk_format: 'qcow2' });
    const plan = [
      'imports',
      'plan',
      queued.id,
      '--method',
      'web-download',
      '--uri',
      'https://example.org/x',
    ];
    expect((await run(...plan)).out).toMatch(/web-download → default\n.*stage +runs/s);
  });

  it('retries a failed import', async () => {
    const client = new ApiClient(server.url);
    const image = await client.createImage({ disk_format: 'vmdk' });
    await client.send(image.id, 'stage', disk);
    await client.import(image.id, { method: { name: 'glance-direct' } });
    const { id } = await newestImport();
    expect((await run('imports', 'show', id, '--follow')).code).toBe(4);
  });
});

describe('stowage serve', () => {
  it('refuses a data directory that another process holds', async () => {
    const { code, err } = await run('serve', '--port', '0');
    expect(err).toContain(`The data directory "${dataDir}" is in use`);
    expect(code).toBe(1);
  });

  it('ends with 0 after SIGTERM and after SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const own = path.join(dir.path, signal);
      const serving = startStowage(['serve', '--data-dir', own, '--port', '0']);
      await serving.said(/Stowage serves at http:\/\/127\.0\.0\.1:\d+/);
      serving.process.kill(signal);
      expect((await serving.finished).code).toBe(0);
    }
  });

  it('is what npm start runs, and stops with it', async () => {
    const own = path.join(dir.path, 'npm-start');
    const args = ['start', '--silent', '--', '--data-dir', own, '--port', '0'];
    const serving = start('npm', args);
    await serving.said(/Stowage serves at http:\/\/127\.0\.0\.1:\d+/);
    serving.process.kill('SIGTERM');
    await serving.finished;
    expect((await stowage(['imports', 'list', '--data-dir', own])).code).toBe(5);
  });

  it('says every problem of the configuration and ends with 2', async () => {
    const file = path.join(dir.path, 'wrong.yaml');
    writeFileSync(file, 'server: { prot: 1 }\nimports: { pipeline: [stage, nonsense, store] }\n');
    const wrong = await stowage(['serve', '--config', file]);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('Did you mean "port"?')]);
    writeFileSync(file, 'imports: { pipeline: [stage, nonsense, store] }\n');
    const unknown = await stowage([
      'serve',
      '--config',
      file,
      '--data-dir',
      path.join(dir.path, 'never'),
    ]);
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('nonsense')]);
  });
});
