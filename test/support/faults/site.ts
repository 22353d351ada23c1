import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { ApiClient } from '../api-client.js';
import type { Answer, ImportDocument } from '../api-client.js';
import { digestOf, randomFile } from '../images.js';
import { violations } from '../invariants.js';
import { startServer } from '../server.js';
import type { TestServer } from '../server.js';
import { tempDir } from '../temp-dir.js';

const MIB = 1024 * 1024;

/** Two attempts, so that a failure that lasts is soon one for good. */
const CONFIG = `
log: { level: warn, format: json }
stores:
  - { id: one, driver: filesystem, path: store/one, default: true }
  - { id: two, driver: filesystem, path: store/two }
imports:
  retry: { attempts: 2, backoff: 100 ms, max_backoff: 200 ms }
  methods: [glance-direct, copy-image]
`;

export interface SiteOptions {
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs before the server is started, with its data dir. */
  readonly prepare?: (dataDir: string) => Promise<void>;
}

/** Holds every answer against the rule that none tells where the server keeps its files. */
class CautiousClient extends ApiClient {
  constructor(
    url: string,
    private readonly secret: string,
  ) {
    super(url);
  }

  override async call(...args: Parameters<ApiClient['call']>): Promise<Answer> {
    const answer = await super.call(...args);
    if (!args[1].startsWith('/v2/info/stores')) expect(answer.text).not.toContain(this.secret);
    return answer;
  }
}

/** The built server in a place where things go wrong, and what must hold afterwards. */
export class FaultSite implements AsyncDisposable {
  readonly dataDir: string;
  #server: TestServer | undefined;
  #api: ApiClient | undefined;

  private constructor(
    private readonly directory: Awaited<ReturnType<typeof tempDir>>,
    private readonly options: SiteOptions,
    /** Random bytes, 4 MiB. */
    readonly image: string,
  ) {
    this.dataDir = path.join(directory.path, 'data');
  }

  static async open(options: SiteOptions = {}): Promise<FaultSite> {
    const directory = await tempDir();
    const image = await randomFile(path.join(directory.path, 'image'), 4 * MIB);
    const site = new FaultSite(directory, options, image);
    await writeFile(site.#config, options.config ?? CONFIG);
    await options.prepare?.(site.dataDir);
    await site.start();
    return site;
  }

  get #config(): string {
    return path.join(this.directory.path, 'stowage.yaml');
  }

  get api(): ApiClient {
    if (this.#api === undefined) throw new Error('The server does not run');
    return this.#api;
  }

  get server(): TestServer {
    if (this.#server === undefined) throw new Error('The server does not run');
    return this.#server;
  }

  async start(): Promise<void> {
    const { dataDir, options } = this;
    const { env = {} } = options;
    this.#server = await startServer({ dataDir, config: this.#config, env });
    this.#api = new CautiousClient(this.#server.url, this.directory.path);
  }

  async restart(): Promise<void> {
    expect(await this.server.stop()).toBe(0);
    await this.start();
  }

  /** An image whose bytes were staged. */
  async staged(
    properties: Readonly<Record<string, unknown>> = {},
    file = this.image,
  ): Promise<string> {
    const { id } = await this.api.createImage(properties);
    const sent = await this.api.send(id, 'stage', file);
    expect([sent.status, sent.text]).toEqual([204, '']);
    return id;
  }

  /** Imports staged bytes, and answers how that ended. */
  async imported(
    id: string,
    request: Readonly<Record<string, unknown>> = {},
  ): Promise<ImportDocument> {
    const answer = await this.api.import(id, { method: { name: 'glance-direct' }, ...request });
    expect([answer.status, answer.text]).toEqual([202, '']);
    return this.api.finished(id);
  }

  /** The image has its bytes, whole. */
  async expectActive(id: string, file = this.image): Promise<void> {
    const image = await this.api.image(id);
    expect(image).toMatchObject({ status: 'active', os_hash_value: await digestOf(file) });
    const answer = await fetch(`${this.api.url}/v2/images/${id}/file`);
    expect(answer.status).toBe(200);
    expect((await answer.arrayBuffer()).byteLength).toBe(image.size);
  }

  /** As after every fault: nothing is under way, nothing is left, everything is what it says. */
  async close(): Promise<void> {
    await this.api.quiet();
    expect(await this.server.stop(), this.server.output()).toBe(0);
    expect(await violations(this.dataDir)).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { process } = this.server;
    if (process.exitCode === null && process.signalCode === null) await this.server.kill();
    await this.directory[Symbol.asyncDispose]();
  }
}
