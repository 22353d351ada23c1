import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { start } from '../support/command.js';
import { serveFiles } from '../support/file-server.js';
import type { FileServer } from '../support/file-server.js';
import { GlanceCommand } from '../support/glance.js';
import { digestOf, randomFile } from '../support/images.js';
import { violations } from '../support/invariants.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';
import { publish, startCloud } from './cloud.js';
import type { KeystoneService } from './keystone.js';

/** The clients of OpenStack, from Debian, sign in at a real Keystone and find Stowage in its catalogue. */
const MIB = 1024 * 1024;
const PYTHON = '/usr/bin/python3';
const OPENSTACK = '/usr/bin/openstack';
const SDK_SESSION = path.resolve(import.meta.dirname, '../support/openstack-sdk.py');
const RAW = ['--disk-format', 'raw', '--container-format', 'bare'];
const POLL = { timeout: 60_000, interval: 100 };

let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let keystone: KeystoneService;
let server: TestServer;
let web: FileServer;
let disk: string;
let friends: string;
let owner: GlanceCommand;
let friend: GlanceCommand;
let admin: GlanceCommand;

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
  keystone = await startCloud();
  for (const [user, name] of [
    ['owner', 'own'],
    ['friend', 'friends'],
  ] as const) {
    const project = await keystone.project(name);
    await keystone.grant('member', await keystone.user(user), { project });
    if (user === 'friend') friends = project;
  }
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(
    config,
    `
log: { level: warn }
auth:
  mode: keystone
  keystone: { url: ${keystone.url}, user: stowage, password: secret }
images: { show_locations: true, change_locations: true }
stores:
  - { id: one, driver: filesystem, path: store/one, default: true }
  - { id: two, driver: filesystem, path: store/two }
  - { id: web, driver: http, allow: [127.0.0.0/8] }
imports:
  methods:
    - glance-direct
    - { name: web-download, config: { allow: [127.0.0.0/8] } }
    - copy-image
`,
  );
  server = await startServer({ dataDir, config });
  await publish(keystone, 'image', server.url);
  const client = (user: string, project: string) =>
    new GlanceCommand(signIn(user, project), path.join(dir.path, user));
  [owner, friend, admin] = [
    client('owner', 'own'),
    client('friend', 'friends'),
    client('admin', 'admin'),
  ];
}, 180_000);

afterAll(async () => {
  expect(await server.stop()).toBe(0);
  expect(await violations(dataDir)).toEqual([]);
  await keystone[Symbol.asyncDispose]();
  await web[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

/** The variables with which every client of OpenStack signs in. */
function signIn(user: string, project: string): Readonly<Record<string, string>> {
  return {
    OS_AUTH_URL: keystone.url,
    OS_IDENTITY_API_VERSION: '3',
    OS_REGION_NAME: 'RegionOne',
    OS_USERNAME: user,
    OS_PASSWORD: 'secret',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_NAME: project,
    OS_PROJECT_DOMAIN_NAME: 'Default',
  };
}

/** Runs a program of the system's Python, whatever the shell of the developer prefers. */
async function run(user: string, project: string, ...command: readonly string[]): Promise<string> {
  const [program = '', ...args] = command;
  const { code, out, err } = await start(program, args, {
    env: { PATH: '/usr/bin:/bin', HOME: dir.path, LC_ALL: 'C.UTF-8', ...signIn(user, project) },
  }).finished;
  if (code !== 0) throw new Error(`${command.join(' ')}: ${code}\n${out}${err}`);
  return out;
}

it('openstacksdk creates, uploads, imports, copies, shares, changes, lists and deletes', async () => {
  const session = [PYTHON, SDK_SESSION, disk, `${web.url}/disk`];
  const seen: unknown = JSON.parse(await run('admin', 'admin', ...session));
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

it('the command openstack creates, changes, shares, shows, saves, lists and deletes', async () => {
  const openstack = (...args: readonly string[]) =>
    run('owner', 'own', OPENSTACK, 'image', ...args);
  const made = ['--file', disk, '--property', 'rack=7', '--tag', 'blue', '-f', 'value', '-c', 'id'];
  const id = (await openstack('create', 'made', ...RAW, ...made)).trim();
  await openstack('set', id, '--name', 'changed', '--property', 'row=2', '--tag', 'green');
  await openstack('add', 'project', id, friends);
  await run('friend', 'friends', OPENSTACK, 'image', 'set', '--accept', id);
  const saved = path.join(dir.path, 'saved');
  const [shown, listed, accepted] = await Promise.all([
    openstack('show', id, '-f', 'json'),
    openstack('list', '--tag', 'green', '-f', 'value', '-c', 'Name'),
    run('friend', 'friends', OPENSTACK, 'image', 'list', '--shared', '-f', 'value', '-c', 'Name'),
    openstack('save', id, '--file', saved),
  ]);
  expect(JSON.parse(shown)).toMatchObject({
    ...{ id, name: 'changed', status: 'active', size: 2 * MIB, tags: ['blue', 'green'] },
    properties: { rack: '7', row: '2' },
  });
  expect(await readFile(saved)).toEqual(await readFile(disk));
  expect([listed.trim(), accepted.trim()]).toEqual(['changed', 'changed']);
  await openstack('delete', id);
});

it('the command glance stages, imports, copies, shares, deactivates, locates and deletes', async () => {
  const make = async (...args: readonly string[]): Promise<string> => {
    const { id = '' } = await owner.properties(...args, ...RAW);
    return id;
  };
  const until = (id: string, facts: Readonly<Record<string, string>>) =>
    expect.poll(() => owner.properties('image-show', id), POLL).toMatchObject(facts);

  const id = await make('image-create', '--name', 'staged', '--property', 'rack=7');
  await owner.ok('image-stage', id, '--file', disk);
  await owner.ok('image-import', id, '--import-method', 'glance-direct');
  await until(id, { status: 'active', stores: 'one', os_hash_value: await digestOf(disk) });
  await admin.ok('image-import', id, '--import-method', 'copy-image', '--stores', 'two');
  await until(id, { stores: 'one,two' });
  expect((await owner.list('image-tasks', id)).map(({ Status }) => Status)).toEqual([
    'success',
    'success',
  ]);
  expect(await admin.list('task-list', '--status', 'success')).not.toEqual([]);

  await owner.ok('member-create', id, friends);
  await friend.ok('member-update', id, friends, 'accepted');
  const names = (rows: readonly Readonly<Record<string, string>>[]) => rows.map(({ Name }) => Name);
  expect(names(await friend.list('image-list'))).toEqual(['staged']);
  await owner.ok('image-tag-update', id, 'green');
  await owner.ok('image-update', id, '--property', 'row=2');
  await owner.ok('image-deactivate', id);
  const back = path.join(dir.path, 'back');
  const denied = await friend.run('image-download', id, '--file', back);
  expect([denied.code, denied.err]).toEqual([1, expect.stringContaining('deactivated')]);
  await owner.ok('image-reactivate', id);
  await friend.ok('image-download', id, '--file', back);
  expect(await readFile(back)).toEqual(await readFile(disk));

  const how = ['--import-method', 'web-download', '--uri', `${web.url}/disk`];
  const fetched = await make('image-create-via-import', '--name', 'fetched', ...how);
  await until(fetched, { status: 'active', size: String(2 * MIB) });

  const there = await make('image-create', '--name', 'there');
  await owner.ok('location-add', there, '--url', `${web.url}/disk`);
  const located = await owner.properties('image-show', there);
  expect(located).toMatchObject({ status: 'active', stores: 'web' });
  expect(located['locations']).toContain(`${web.url}/disk`);
  await owner.ok('image-delete', id, fetched, there);
  expect(await owner.list('image-list')).toEqual([]);
});
