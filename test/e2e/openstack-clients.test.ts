import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { start } from '../support/command.js';
import { serveFiles } from '../support/file-server.js';
import type { FileServer } from '../support/file-server.js';
import { randomFile } from '../support/images.js';
import { violations } from '../support/invariants.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const MIB = 1024 * 1024;
const PYTHON = '/usr/bin/python3';
const OPENSTACK = '/usr/bin/openstack';
const SDK_SESSION = path.resolve(import.meta.dirname, '../support/openstack-sdk.py');
const CONFIG = `
log: { level: warn }
stores:
  - { id: one, driver: filesystem, path: store/one, default: true }
  - { id: two, driver: filesystem, path: store/two }
imports:
  methods:
    - glance-direct
    - { name: web-download, config: { allow: [127.0.0.0/8] } }
    - copy-image
`;

let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let server: TestServer;
let web: FileServer;
let disk: string;

beforeAll(async () => {
  if (!existsSync(OPENSTACK)) {
    throw new Error(`${OPENSTACK} is missing: install the Debian package python3-openstackclient`);
  }
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  const files = path.join(dir.path, 'files');
  await mkdir(files);
  disk = await randomFile(path.join(files, 'disk'), 2 * MIB);
  web = await serveFiles(files);
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  server = await startServer({ dataDir, config });
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
  expect(await violations(dataDir)).toEqual([]);
  await web[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

/** Runs a program of the system's Python, whatever the shell of the developer prefers. */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await start(program, args, {
    env: { PATH: '/usr/bin:/bin', HOME: dir.path, LC_ALL: 'C.UTF-8' },
  }).finished;
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${code}\n${out}${err}`);
  return out;
}

function openstack(...args: readonly string[]): Promise<string> {
  return run(OPENSTACK, '--os-auth-type', 'none', '--os-endpoint', server.url, 'image', ...args);
}

it('openstacksdk creates, uploads, imports, copies, shares, changes, lists and deletes', async () => {
  const seen: unknown = JSON.parse(
    await run(PYTHON, SDK_SESSION, server.url, disk, `${web.url}/disk`),
  );
  expect(seen).toEqual({
    uploaded: ['active', 2 * MIB, 'red', ['x']],
    downloaded: true,
    staged: 'uploading',
    imported: 2 * MIB,
    fetched: true,
    copied: 'one,two',
    changed: ['renamed', ['green']],
    deactivated: 'deactivated',
    reactivated: 'active',
    member: ['pending', 'accepted', ['other']],
    listed: ['renamed', 'staged', 'uploaded'],
    'by tag': ['uploaded'],
    tasks: true,
    left: 0,
  });
});

it('the command openstack creates, changes, shows, saves, lists and deletes', async () => {
  const format = ['--disk-format', 'raw', '--container-format', 'bare'];
  const made = ['--file', disk, '--property', 'rack=7', '--tag', 'blue', '-f', 'value', '-c', 'id'];
  const id = (await openstack('create', 'made', ...format, ...made)).trim();
  await openstack('set', id, '--name', 'changed', '--property', 'row=2', '--tag', 'green');
  const saved = path.join(dir.path, 'saved');
  const [shown, listed] = await Promise.all([
    openstack('show', id, '-f', 'json'),
    openstack('list', '--tag', 'green', '-f', 'value', '-c', 'Name'),
    openstack('save', id, '--file', saved),
  ]);
  expect(JSON.parse(shown)).toMatchObject({
    ...{ id, name: 'changed', status: 'active', size: 2 * MIB, tags: ['blue', 'green'] },
    properties: { rack: '7', row: '2' },
  });
  expect(await readFile(saved)).toEqual(await readFile(disk));
  expect(listed.trim()).toBe('changed');
  await openstack('delete', id);
});
