import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startServer } from '../support/server.js';
import type { TestServer } from '../support/server.js';
import { Endpoint } from './endpoint.js';
import type { Setup } from './scenario.js';

const LOCAL = 'methods: [glance-direct, { name: web-download, config: { allow: [127.0.0.0/8] } }]';

const CONVERT =
  '[stage, introspect, virtual-size, { plugin: convert, config: { output_format: raw } }, store]';

const CONFIGS: Readonly<Record<Setup, string>> = {
  plain: `imports: { ${LOCAL} }`,
  'no-checksum': `images: { checksum: false }`,
  convert: `imports: { pipeline: ${CONVERT} }`,
  'tight-staging': `staging: { capacity: 4 GiB }
imports: { pipeline: ${CONVERT} }`,
  'three-stores': `stores:
  - { id: a, driver: filesystem, path: a, default: true }
  - { id: b, driver: filesystem, path: b }
  - { id: c, driver: filesystem, path: c }`,
};

/** The server under test, one process for each setup, each in a session of its own. */
export class Servers implements AsyncDisposable {
  readonly #running = new Map<
    Setup,
    { readonly server: TestServer; readonly endpoint: Endpoint }
  >();

  /** @param flags for Node, such as those that write a profile */
  constructor(
    private readonly directory: string,
    private readonly flags: readonly string[],
  ) {}

  async endpoint(setup: Setup): Promise<Endpoint> {
    const known = this.#running.get(setup);
    if (known !== undefined) return known.endpoint;
    const dataDir = path.join(this.directory, setup);
    await mkdir(dataDir, { recursive: true });
    const config = path.join(dataDir, 'stowage.yaml');
    await writeFile(config, `log: { level: warn }\n${CONFIGS[setup]}\n`);
    const server = await startServer({
      dataDir,
      config,
      flags: this.flags,
      ownSession: true,
    });
    const endpoint = new Endpoint('stowage', server.url, undefined, dataDir);
    this.#running.set(setup, { server, endpoint });
    return endpoint;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { server } of this.#running.values()) await server.stop();
  }
}
