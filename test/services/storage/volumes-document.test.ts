import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT, start } from '../../support/command.js';
import { qcow2File } from '../../support/images.js';
import { VolumeCloud } from './volume-cloud.js';

/** The page `docs/volumes.md`, carried out word by word: its pools, its configuration, its commands. */
const MIB = 1024 * 1024;

let cloud: VolumeCloud;
let page: string;
beforeAll(async () => {
  page = await readFile(path.join(ROOT, 'docs/volumes.md'), 'utf8');
  cloud = await VolumeCloud.start();
}, 240_000);
afterAll(() => cloud[Symbol.asyncDispose]());

function blocks(kind: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text = '']) => here(text),
  );
}

/** With the names of this cloud for those of the page. */
function here(text: string): string {
  return text
    .replaceAll('https://keystone.example.org/v3', cloud.keystone.url)
    .replaceAll('/etc/ceph', path.dirname(cloud.ceph.conf))
    .replaceAll('http://127.0.0.1:9292', cloud.url);
}

/** Lines of a section of an ini file. */
function section(text: string, name: string): readonly string[] {
  const [, body = ''] = new RegExp(`^\\[${name}\\]\\n([^[]*)`, 'm').exec(text) ?? [];
  return body.split('\n').filter((line) => line !== '');
}

it('gives commands and settings that work together', async () => {
  const account = {
    OS_AUTH_URL: cloud.keystone.url,
    ...{ OS_USERNAME: 'alice', OS_PASSWORD: 'secret', OS_PROJECT_NAME: 'alice' },
    ...{ OS_USER_DOMAIN_NAME: 'Default', OS_PROJECT_DOMAIN_NAME: 'Default' },
    ...{ OS_IDENTITY_API_VERSION: '3', OS_VOLUME_API_VERSION: '3.44' },
    PATH: `/usr/bin:${process.env['PATH'] ?? ''}`,
  };
  await qcow2File(path.join(cloud.directory, 'disk.qcow2'), 64 * MIB, 8 * MIB);
  const [settings = ''] = blocks('ini');
  const [config = ''] = blocks('yaml');
  await cloud.publishImages();
  await cloud.cinder.restart({
    settings: section(settings, 'DEFAULT'),
    backend: section(settings, 'backend_defaults'),
  });
  const [pools, ...commands] = blocks('sh run');
  const file = path.join(cloud.directory, 'page.yaml');
  await writeFile(file, config);
  const run = async (script: string | undefined): Promise<void> => {
    const end = await start('bash', ['-euo', 'pipefail', '-c', script ?? 'false'], {
      cwd: cloud.directory,
      env: { ...account, CEPH_CONF: cloud.ceph.adminConf },
    }).finished;
    expect(end.code, `${script ?? ''}\n${end.out}\n${end.err}`).toBe(0);
  };
  await run(pools);
  await cloud.serveConfig(file, { STOWAGE_PASSWORD: 'secret', VOLUMES_PASSWORD: 'secret' });
  for (const script of commands) await run(script);
}, 240_000);
