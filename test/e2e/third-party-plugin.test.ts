import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.js';
import { stowage } from '../support/command.js';
import { installAcme } from '../support/plugin-site.js';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

const ACME = '@acme/stowage-plugin-scan';
const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(
  '',
);

/** A package of a third party in the built server, installed where npm would put it. */
describe('a third party’s package', () => {
  const clean = randomBytes(3_000_000);
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let server: TestServer;
  let client: ApiClient;
  let config: string;
  let dataDir: string;

  beforeAll(async () => {
    dir = await tempDir();
    dataDir = path.join(dir.path, 'data');
    config = path.join(dir.path, 'stowage.yaml');
    await installAcme(dir.path);
    await installDecoy(dir.path);
    await mkdir(path.join(dataDir, 'mirror'), { recursive: true });
    await writeFile(path.join(dataDir, 'mirror/clean'), clean);
    await writeFile(
      path.join(dataDir, 'mirror/infected'),
      Buffer.concat([clean, Buffer.from(EICAR)]),
    );
    await writeFile(
      config,
      `
stores:
  - { id: fast, driver: filesystem, path: fast, default: true }
  - { id: archive, driver: acme-archive, directory: archive }
imports:
  methods: [glance-direct, { name: acme-mirror, config: { directory: mirror } }]
  pipeline: [stage, introspect, virtual-size, '${ACME}', store]
`,
    );
    server = await startServer({ dataDir, config });
    client = new ApiClient(server.url);
  });

  afterAll(async () => {
    await server.stop();
    await dir[Symbol.asyncDispose]();
  });

  /** Another copy of Stowage beside the plugin, as npm installs one for a peer dependency. */
  async function installDecoy(directory: string): Promise<void> {
    const folder = path.join(directory, 'node_modules/stowage');
    await mkdir(folder, { recursive: true });
    const manifest = { name: 'stowage', type: 'module', exports: { './plugin': './plugin.js' } };
    await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
    await writeFile(path.join(folder, 'plugin.js'), 'throw new Error("the wrong copy");');
  }

  async function imported(file: string): ReturnType<ApiClient['finished']> {
    const { id } = await client.createImage();
    const answer = await client.import(id, {
      method: { name: 'acme-mirror', file },
      stores: ['archive'],
    });
    expect(answer.status, answer.text).toBe(202);
    return client.finished(id);
  }

  it('brings the bytes, watches them and keeps them', async () => {
    const document = await imported('clean');
    expect(document.failure).toBeNull();
    const image = await client.image(document.image_id);
    expect(image).toMatchObject({
      status: 'active',
      size: clean.length,
      acme_scan_result: 'clean',
      acme_scan_size: String(clean.length),
    });
    const { body } = await request(`${server.url}/v2/images/${image.id}/file`);
    expect(Buffer.from(await body.arrayBuffer()).equals(clean)).toBe(true);
  });

  it('refuses in its own words, as a rejection', async () => {
    const document = await imported('infected');
    expect(document.state).toBe('failed');
    expect(document.failure).toMatchObject({ class: 'rejected', code: 'ACME_EICAR_FOUND' });
    expect(await client.image(document.image_id)).toMatchObject({ status: 'queued' });
  });

  it('judges its parameters before anything is recorded', async () => {
    const { id } = await client.createImage();
    const answer = await client.import(id, { method: { name: 'acme-mirror', file: '../x' } });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('is no plain file name');
  });

  it('alone writes the properties that it claims', async () => {
    const image = await client.createImage({ acme_scan_result: 'clean', other: 'kept' });
    expect(image).not.toHaveProperty('acme_scan_result');
    expect(image).toMatchObject({ other: 'kept' });
  });

  it('is listed and checked by the command line', async () => {
    const where = ['--config', config, '--data-dir', dataDir];
    const list = await stowage(['plugins', 'list', '--json', ...where]);
    expect(list.code).toBe(0);
    const { plugins } = JSON.parse(list.out) as { plugins: { name: string }[] };
    expect(plugins.find(({ name }) => name === ACME)).toMatchObject({
      version: '1.2.0',
      origin: 'package',
      task: [ACME],
      methods: [{ name: 'acme-mirror', enabled: true }],
      drivers: [{ driver: 'acme-archive', stores: ['archive'] }],
    });
    const text = await stowage(['plugins', 'list', ...where]);
    expect(text.out).toMatch(/@acme\/stowage-plugin-scan 1\.2\.0 \(.*\)\n {2}Refuses images/);
    expect(await stowage(['plugins', 'check', ...where])).toMatchObject({ code: 0 });
    const broken = path.join(dir.path, 'broken.yaml');
    await writeFile(broken, 'imports: { pipeline: [stage, nothing, store] }');
    const check = await stowage(['plugins', 'check', '--config', broken, '--data-dir', dataDir]);
    expect(check.code).toBe(2);
    expect(check.out).toContain('imports.pipeline[1]: "nothing": no built-in plugin has this name');
  });
});
