import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { Readable } from 'node:stream';
import { Container } from 'inversify';
import type { ServiceIdentifier } from 'inversify';
import { z } from 'zod';
import { aCaller } from './a-caller.js';
import type { Caller } from '../../core/auth/caller.js';
import { Clock, systemClock } from '../../core/base/clock.js';
import { loadConfig } from '../../core/config/load.js';
import type { Config, ImportsConfig, PipelineEntry } from '../../core/config/config.js';
import { Dataflow } from '../../core/dataflow/pass.js';
import { ThreadedDataflow } from '../../core/dataflow/threaded-dataflow.js';
import { openDatabase } from '../../core/database/open.js';
import { Engine } from '../../core/engine/engine.js';
import { engineModule } from '../../core/engine/engine.module.js';
import { Janitor } from '../../core/engine/bytes/janitor.js';
import { limitSource } from '../../core/quotas.js';
import type { LimitSource } from '../../core/engine/bytes/quotas.js';
import { Worker } from '../../core/engine/live.js';
import { Database } from '../../core/engine/ports.js';
import type { ImportRecord, TaskRecord } from '../../core/engine/import.js';
import { Imports, Removal, Uploads } from '../../core/engine/service.js';
import type { ImportRequest } from '../../core/engine/service.js';
import type { Image } from '../../core/image/image.js';
import type { ImportMethod, PluginManifest } from '../../core/plugin/contract/manifest.js';
import type { DataSource } from '../../core/plugin/contract/source.js';
import type { Store } from '../../core/plugin/contract/store.js';
import type { ImportTask } from '../../core/plugin/contract/task.js';
import { Plugins } from '../../core/plugin/plugins.js';
import type { LoadedMethod, LoadedTask, ResolvedEntry } from '../../core/plugin/plugins.js';
import { StoreRegistry } from '../../core/store/registry.js';
import { Logger, silentLogger } from '../../core/telemetry/logger.js';
import { anImage } from './an-image.js';

/** One entry of the pipeline of a test. */
export interface TestTask {
  readonly name: string;
  readonly task: ImportTask;
  readonly manifest?: Partial<PluginManifest>;
  readonly entry?: Partial<PipelineEntry>;
}

export interface TestEngineOptions {
  readonly dataDir: string;
  readonly tasks: readonly TestTask[];
  readonly stores: Readonly<Record<string, Store>>;
  /** What the method `bytes` brings. */
  readonly source?: () => Promise<DataSource>;
  readonly imports?: Partial<ImportsConfig>;
  readonly staging?: Partial<Config['staging']>;
  readonly quotas?: Config['quotas'];
  /** Who says what projects may have. @default what `quotas` says */
  readonly limits?: LimitSource;
  /** Milliseconds that running imports have when the engine stops. @default 5000 */
  readonly stopDeadlineMs?: number;
  readonly clock?: Clock;
}

export const TEST_CALLER: Caller = aCaller();

/** The whole engine over a real database and real files, with tasks of the test's own. */
export class TestEngine implements AsyncDisposable {
  readonly imports: Imports;
  readonly uploads: Uploads;
  readonly removal: Removal;
  readonly database: Database;

  private constructor(
    private readonly container: Container,
    private readonly closeAll: () => Promise<void>,
  ) {
    this.imports = container.get(Imports);
    this.uploads = container.get(Uploads);
    this.removal = container.get(Removal);
    this.database = container.get(Database);
  }

  static async start(options: TestEngineOptions): Promise<TestEngine> {
    const { dataDir } = options;
    const loaded = loadConfig({ env: {}, flags: { dataDir } });
    const retry = { attempts: 3, backoffMs: 1, maxBackoffMs: 5 };
    const config: Config = {
      ...loaded,
      imports: { ...loaded.imports, retry, ...options.imports },
      staging: { ...loaded.staging, ...options.staging },
      quotas: options.quotas ?? loaded.quotas,
    };
    const capacity = config.staging.capacity === 'auto' ? 2 ** 30 : config.staging.capacity;
    const database = await openDatabase({ path: path.join(dataDir, 'stowage.sqlite') });
    const dataflow = new ThreadedDataflow();
    const epoch = await database.write((tx) =>
      tx.startEpoch(new Date(), { pid: process.pid, host: 'test' }),
    );
    const container = new Container({ defaultScope: 'Singleton' });
    container.bind(Clock).toConstantValue(options.clock ?? systemClock);
    container.bind(Logger).toConstantValue(silentLogger);
    container.bind(Database).toConstantValue(database);
    container.bind(Dataflow).toConstantValue(dataflow);
    container.bind(Plugins).toConstantValue(testPlugins(options));
    container.bind(StoreRegistry).toConstantValue(testStores(options.stores));
    container.bind(Worker).toConstantValue({ epoch });
    container.load(
      engineModule(config, capacity, options.limits ?? limitSource(config, undefined)),
    );
    const engine = container.get(Engine);
    await engine.start();
    return new TestEngine(container, async () => {
      await engine.stop(options.stopDeadlineMs ?? 5_000);
      await dataflow.stop();
      await database.close();
    });
  }

  /** A part of the engine that has no front of its own. */
  part<T>(token: ServiceIdentifier<T>): T {
    return this.container.get(token);
  }

  async createImage(overrides: Partial<Image> = {}): Promise<string> {
    const id = randomUUID();
    await this.database.write((tx) => tx.insertImage(anImage({ ...overrides, id })));
    return id;
  }

  async start(imageId: string, request: Partial<ImportRequest> = {}): Promise<ImportRecord> {
    return this.imports.start({
      imageId,
      method: 'bytes',
      params: {},
      caller: TEST_CALLER,
      ...request,
    });
  }

  /** Starts an import and waits for its end. */
  async run(
    imageId: string,
    request: Partial<ImportRequest> = {},
  ): Promise<{ readonly record: ImportRecord; readonly tasks: readonly TaskRecord[] }> {
    const { id } = await this.start(imageId, request);
    return this.ended(id);
  }

  async ended(
    importId: string,
  ): Promise<{ readonly record: ImportRecord; readonly tasks: readonly TaskRecord[] }> {
    const record = await this.imports.finished(importId, AbortSignal.timeout(20_000));
    return { record, tasks: await this.database.read.tasks(importId) };
  }

  async image(id: string): Promise<Image> {
    const image = await this.database.read.imageEvenDeleted(id);
    if (image === undefined) throw new Error(`No image ${id}`);
    return image;
  }

  /** Waits until everything that is marked for removal was tried. */
  async tidy(): Promise<void> {
    await this.part(Janitor).idle();
  }

  /** Ends this life; the rows and files stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeAll();
  }
}

/** A stream source of bytes that are at hand. */
export function bytesSource(bytes: Uint8Array): DataSource {
  return {
    kind: 'stream',
    size: bytes.length,
    validator: 'v1',
    resumable: true,
    open: (offset) => Promise.resolve(Readable.from([bytes.subarray(offset)])),
  };
}

function testPlugins({ tasks, source }: TestEngineOptions): Plugins {
  const entries: readonly ResolvedEntry[] = tasks.map(({ name, manifest, entry }) => ({
    entry: {
      id: name,
      plugin: name,
      enabled: true,
      config: {},
      when: undefined,
      retry: {},
      timeoutMs: undefined,
      concurrency: undefined,
      ...entry,
    },
    manifest: { name, apiVersion: 1, ...manifest },
    frozenConfig: {},
  }));
  const methods: readonly LoadedMethod[] = [
    method('bytes', ['queued'], 'new', source ?? (() => Promise.resolve(bytesSource(BYTES)))),
    method('glance-direct', ['uploading'], 'new', () => Promise.resolve({ kind: 'staged' })),
    method('elsewhere', ['queued'], 'none', source ?? (() => Promise.reject(new Error('unused')))),
    method('again', ['active'], 'existing', () => Promise.resolve(bytesSource(BYTES))),
    {
      ...method('upload', ['queued'], 'new', () => Promise.reject(new Error('unused'))),
      source: {
        source: ({ body }) => {
          if (body === undefined) return Promise.reject(new Error('the client is gone'));
          const { stream, size } = body;
          return Promise.resolve({
            kind: 'stream',
            size,
            validator: undefined,
            resumable: false,
            open: () => Promise.resolve(stream),
          });
        },
      },
    },
  ];
  return {
    pipelines: [{ when: undefined, tasks: entries }],
    methods,
    method: (name) => methods.find(({ definition }) => definition.name === name),
    task: ({ entry }): Promise<LoadedTask> => {
      const index = entries.findIndex((resolved) => resolved.entry.id === entry);
      const task = tasks[index]?.task;
      const manifest = entries[index]?.manifest;
      if (task === undefined || manifest === undefined) throw new Error(`No task ${entry}`);
      return Promise.resolve({ manifest, task, observerKey: `${entry}:1` });
    },
  };
}

/** What the method `bytes` brings when the test says nothing else. */
export const BYTES = Buffer.from('These are the bytes of a small raw image.'.repeat(100));

function method(
  name: string,
  from: ImportMethod['from'],
  data: ImportMethod['data'],
  source: () => Promise<DataSource>,
): LoadedMethod {
  return {
    definition: {
      name,
      description: name,
      params: z.record(z.string(), z.json()),
      from,
      data,
      source: class {
        source = source;
      },
    },
    source: { source },
  };
}

function testStores(stores: Readonly<Record<string, Store>>): StoreRegistry {
  return new StoreRegistry(
    Object.entries(stores).map(([id, store], index) => ({
      info: {
        id,
        driver: 'test',
        description: '',
        isDefault: index === 0,
        readOnly: false,
        schemes: [],
        registersUnread: false,
      },
      store,
    })),
  );
}

/** The `stage` task as every pipeline begins with it. */
export const stageTask: TestTask = {
  name: 'stage',
  manifest: { position: 'first' },
  task: {
    execute: async (context) => {
      await context.stage(await context.source());
      return {};
    },
  },
};

/** The `store` task as every pipeline ends with it. */
export const storeTask: TestTask = {
  name: 'store',
  manifest: { position: 'last', perStore: true },
  task: {
    execute: async (context) => {
      await context.place();
      return {};
    },
  },
};
