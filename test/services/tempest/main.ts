import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { start } from '../../support/command.js';
import { serveFiles } from '../../support/file-server.js';
import { startServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';
import { publish, startCloud } from '../cloud.js';
import { readExceptions, surprises } from './exceptions.js';
import { resultsIn } from './results.js';

/**
 * OpenStack's own acceptance tests of its image service, Tempest and its Glance plugin from Debian, against
 * the built server and a real Keystone. `npm run test:tempest -- REGEX` runs those whose names match.
 */
const PACKAGES = '/usr/lib/python3/dist-packages';
const ALL = '^(setUpClass \\()?(tempest\\.api\\.image|glance_tempest_plugin)';
/** No other Python than the system's, whatever the shell of the developer prefers. */
const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };

const CONFIG = (keystone: string) => `
log: { level: warn, format: json }
auth:
  mode: keystone
  keystone: { url: ${keystone}, user: stowage, password: secret }
images: { show_locations: true, change_locations: true }
# In this order: Tempest compares the stores of an image with their sorted names.
stores:
  - { id: cheap, driver: filesystem, path: cheap }
  - { id: fast, driver: filesystem, path: fast, default: true }
  - { id: web, driver: http, allow: [127.0.0.0/8] }
imports:
  methods:
    - glance-direct
    - { name: web-download, config: { allow: [127.0.0.0/8] } }
    - copy-image
`;

const TEMPEST = (keystone: string, image: string, directory: string) => `
[DEFAULT]
log_dir = ${directory}
log_file = tempest.log
[oslo_concurrency]
lock_path = ${directory}/lock
[auth]
use_dynamic_credentials = true
admin_username = admin
admin_password = secret
admin_project_name = admin
admin_domain_name = Default
admin_user_domain_name = Default
admin_project_domain_name = Default
admin_system = all
tempest_roles =
[identity]
auth_version = v3
uri_v3 = ${keystone}
region = RegionOne
v3_endpoint_type = public
default_domain_id = default
[identity-feature-enabled]
api_v2 = false
api_v3 = true
[enforce_scope]
glance = true
[image]
http_image = ${image}
build_timeout = 60
[image-feature-enabled]
api_v2 = true
api_v1 = false
import_image = true
os_glance_reserved = true
manage_locations = true
[service_available]
glance = true
nova = false
cinder = false
neutron = false
swift = false
horizon = false
[validation]
run_validation = false
`;

async function main(regex: string | undefined): Promise<number> {
  for (const name of ['tempest', 'glance_tempest_plugin']) {
    if (existsSync(path.join(PACKAGES, name))) continue;
    throw new Error(`${name} is missing: install Debian's tempest and glance-tempest-plugin`);
  }
  const exceptions = await readExceptions();
  await using directory = await tempDir();
  const files = path.join(directory.path, 'files');
  await mkdir(files);
  await writeFile(path.join(files, 'image.img'), randomBytes(1024 * 1024));
  await using web = await serveFiles(files);
  await using keystone = await startCloud();
  const config = path.join(directory.path, 'stowage.yaml');
  await writeFile(config, CONFIG(keystone.url));
  const server = await startServer({ dataDir: path.join(directory.path, 'data'), config });
  try {
    await publish(keystone, 'image', server.url);
    const tempest = path.join(directory.path, 'tempest');
    await mkdir(path.join(tempest, 'stestr'), { recursive: true });
    const settings = TEMPEST(keystone.url, `${web.url}/image.img`, tempest);
    await writeFile(path.join(tempest, 'tempest.conf'), settings);
    const left = exceptions.filter(({ outcome }) => outcome === 'not run').map(({ test }) => test);
    const run = start(
      '/usr/bin/stestr',
      [
        ...['--test-path', path.join(PACKAGES, 'tempest/test_discover'), '--top-dir', PACKAGES],
        ...['--repo-url', path.join(tempest, 'stestr'), 'run', '--concurrency', '2'],
        ...['--exclude-regex', left.join('|'), regex ?? ALL],
      ],
      {
        cwd: tempest,
        env: { ...ENV, TEMPEST_CONFIG_DIR: tempest, TEMPEST_CONFIG: 'tempest.conf' },
      },
    );
    run.process.stdout?.pipe(process.stdout);
    const { out, err } = await run.finished;
    const results = resultsIn(out);
    if (results.length === 0) throw new Error(`No test has run:\n${out}${err}`);
    const count = (outcome: string) => results.filter((one) => one.outcome === outcome).length;
    const found = surprises(results, exceptions, regex === undefined ? 'all' : 'some');
    process.stdout.write(
      `\n${count('passed')} passed, ${count('skipped')} skipped, ${count('failed')} failed\n` +
        `${found.length === 0 ? 'As expected' : found.join('\n')}\n`,
    );
    return found.length === 0 ? 0 : 1;
  } finally {
    await server.stop();
  }
}

process.exitCode = await main(process.argv[2]);
