import { access, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import type { ImageDocument, ImportDocument } from '../../support/api-client.js';
import { serveFiles } from '../../support/file-server.js';
import type { FileServer } from '../../support/file-server.js';
import { qcow2File } from '../../support/images.js';
import { violations } from '../../support/invariants.js';
import { spawnServer, startServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';

const MIB = 2 ** 20;

/** Every task that is built in, with work for each of them. */
const CONFIG = `
log: { level: error }
stores:
  - { id: one, driver: filesystem, path: store/one, default: true }
  - { id: two, driver: filesystem, path: store/two }
imports:
  methods:
    - glance-direct
    - { name: web-download, config: { allow: [127.0.0.0/8] } }
  pipeline:
    - stage
    - introspect
    - virtual-size
    - plugin: inject-metadata
      config: { rules: [{ properties: { injected: 'yes' } }] }
    - { plugin: convert, config: { output_format: raw } }
    - store
`;
const TASKS = ['stage', 'introspect', 'virtual-size', 'inject-metadata', 'convert'];

/** What a task has left outside cannot be seen by the engine. */
const FAILING = `
import { writeFile, rm } from 'node:fs/promises';
import { PermanentError, definePlugin, pluginConfig, z } from 'stowage/plugin';

class Failing {
  constructor({ file }) {
    this.file = file;
  }
  async execute() {
    await writeFile(this.file, 'here');
    throw new PermanentError({ code: 'NOT_TODAY', message: 'Not today' });
  }
  async revert() {
    await rm(this.file, { force: true });
  }
}

export default definePlugin({
  name: 'failing',
  apiVersion: 1,
  config: z.strictObject({ file: z.string() }),
  task: Failing,
  inject: [pluginConfig()],
});
`;

/** Facts of an image that two imports of the same bytes have in common. */
const OWN = ['id', 'created_at', 'updated_at', 'self', 'file'];

let dir: Awaited<ReturnType<typeof tempDir>>;
let web: FileServer;
let qcow2: string;
beforeAll(async () => {
  dir = await tempDir();
  qcow2 = await qcow2File(path.join(dir.path, 'disk.qcow2'), 16 * MIB, 2 * MIB);
  web = await serveFiles(dir.path);
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

/** Lets the server live until it dies at a crash point; answers whether it did. */
async function liveUntil(place: { dataDir: string; config: string }, at: string): Promise<boolean> {
  const server = spawnServer({ ...place, env: { STOWAGE_CRASH_POINT: at } });
  const served = await Promise.race([server.served, server.exited]);
  if (typeof served !== 'object') return served === 'SIGKILL';
  const client = new ApiClient(served.url);
  const died = await Promise.race([
    client.quiet().then(() => false),
    server.exited.then((end) => end === 'SIGKILL'),
  ]).catch(() => true);
  if (!died) await server.stop();
  await server.exited;
  return died;
}

async function place(name: string, config: string): Promise<{ dataDir: string; config: string }> {
  const file = path.join(dir.path, `${name}.yaml`);
  await writeFile(file, config);
  return { dataDir: path.join(dir.path, name), config: file };
}

/** Asks for an import and lets the server die at once behind the answer, or at the crash point. */
async function begin(
  at: { dataDir: string; config: string },
  method: { readonly name: string },
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const server = await startServer({ ...at, env });
  const client = new ApiClient(server.url);
  const { id } = await client.createImage({ disk_format: 'qcow2' });
  if (method.name === 'glance-direct') await client.send(id, 'stage', qcow2);
  const asked = await client.import(id, { method, stores: ['one', 'two'] });
  expect(asked.status).toBe(202);
  await server.exited;
  return id;
}

function download(): { readonly name: string; readonly uri: string } {
  return { name: 'web-download', uri: `${web.url}/disk.qcow2` };
}

function common(image: ImageDocument): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(image).filter(([name]) => !OWN.includes(name)));
}

describe('an import', () => {
  it('ends the same where the server dies behind the work of every task', async () => {
    const at = await place('twice', CONFIG);
    const id = await begin(at, download(), { STOWAGE_CRASH_POINT: 'task:before-success#1' });
    // Each life does the task again that the last one died of, and dies of the next.
    let lives = 1;
    while (await liveUntil(at, 'task:before-success#2')) lives += 1;
    expect(lives).toBe(TASKS.length + 2);

    const server = await startServer(at);
    const client = new ApiClient(server.url);
    const twice = await client.image(id);
    const [run] = await client.imports(id);
    const ended = run?.tasks.map(({ name, state, attempt }) => `${name} ${state} ${attempt}`) ?? [];
    expect(ended.slice(0, TASKS.length)).toEqual(TASKS.map((name) => `${name} succeeded 2`));
    // The stores are filled side by side: the one that ends second also dies with the first.
    expect(ended.slice(TASKS.length).sort()).toEqual([
      'store succeeded 2',
      expect.stringMatching(/^store succeeded [23]$/),
    ]);

    const other = await client.createImage({ disk_format: 'qcow2' });
    await client.import(other.id, { method: download(), stores: ['one', 'two'] });
    const once: ImportDocument = await client.finished(other.id);
    expect(once.tasks.map(({ attempt }) => attempt)).toEqual(once.tasks.map(() => 1));
    expect(common(twice)).toEqual(common(await client.image(other.id)));
    expect(twice.status).toBe('active');
    await server.stop();
    expect(await violations(at.dataDir)).toEqual([]);
  });
});

describe('an import that has failed', () => {
  it('is undone the same where the server dies behind the undoing', async () => {
    const outside = path.join(dir.path, 'outside');
    await writeFile(path.join(dir.path, 'failing.mjs'), FAILING);
    const entry = `    - { plugin: ./failing.mjs, config: { file: '${outside}' } }\n    - store\n`;
    const at = await place('failing', CONFIG.replace('    - store\n', entry));
    const id = await begin(at, { name: 'glance-direct' }, { STOWAGE_CRASH_POINT: 'revert:undone' });
    expect(await liveUntil(at, 'revert:undone')).toBe(true);
    expect(await liveUntil(at, 'end:before-commit')).toBe(true);
    expect(await liveUntil(at, 'end:before-commit')).toBe(true);

    const server = await startServer(at);
    const client = new ApiClient(server.url);
    const run = await client.finished(id);
    expect(run).toMatchObject({ state: 'failed', failure: { code: 'NOT_TODAY' } });
    expect(run.tasks.find(({ name }) => name.includes('failing'))?.state).toBe('reverted');
    await expect(access(outside)).rejects.toMatchObject({ code: 'ENOENT' });
    const image = await client.image(id);
    expect(image).toMatchObject({
      status: 'uploading',
      virtual_size: null,
      disk_format: 'qcow2',
    });
    expect(image).not.toHaveProperty('injected');
    await server.stop();
    expect(await violations(at.dataDir, { acknowledged: new Set([id]) })).toEqual([]);
  });
});
