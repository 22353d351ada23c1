import 'reflect-metadata';
import path from 'node:path';
import { Container } from 'inversify';
import { createAuthenticator } from '../../core/auth/create-authenticator.js';
import type { TokenSource } from '../../core/auth/keystone/token-judge.js';
import { createPolicy } from '../../core/auth/policy.js';
import { Clock, systemClock } from '../../core/base/clock.js';
import { createCatalogue } from '../../core/catalogue/image-catalogue.js';
import { createLocations } from '../../core/catalogue/locations.js';
import { createMembers } from '../../core/catalogue/image-members.js';
import { createVolumeCatalogue } from '../../core/catalogue/image-volumes.js';
import { createImportCatalogue } from '../../core/catalogue/import-catalogue.js';
import { loadConfig } from '../../core/config/load.js';
import type { Config } from '../../core/config/config.js';
import { Dataflow } from '../../core/dataflow/pass.js';
import { openDatabase } from '../../core/database/open.js';
import { engineModule } from '../../core/engine/engine.module.js';
import { Quotas } from '../../core/engine/bytes/quotas.js';
import { limitSource } from '../../core/quotas.js';
import { Worker } from '../../core/engine/live.js';
import { Database } from '../../core/engine/ports.js';
import {
  Downloads,
  ImageVolumes,
  Imports,
  Removal,
  ResumableUploads,
  Uploads,
} from '../../core/engine/service.js';
import { createRouter } from '../../core/http/app.js';
import { createHttpServer } from '../../core/http/server.js';
import type { HttpParts } from '../../core/http/parts.js';
import type { ImportMethod } from '../../core/plugin/contract/manifest.js';
import { z } from '../../core/api.js';
import { Plugins } from '../../core/plugin/plugins.js';
import type { LoadedMethod } from '../../core/plugin/plugins.js';
import { StoreRegistry } from '../../core/store/registry.js';
import type { RegisteredStore } from '../../core/store/registry.js';
import { Logger, silentLogger } from '../../core/telemetry/logger.js';
import { ServerMetrics } from '../../core/telemetry/metrics.js';
import { ApiClient } from './api-client.js';
import { tempDir } from './temp-dir.js';

/** The HTTP layer over a real database and engine, on a port of its own, without any plugin. */
export interface HttpRig extends AsyncDisposable {
  readonly url: string;
  readonly api: ApiClient;
  /** `GET /v2/images`, with the names of parameters. */
  readonly routes: readonly string[];
  readonly database: Database;
  readonly config: Config;
  /** Stops as a graceful stop does. @param deadlineMs milliseconds */
  close(deadlineMs: number): Promise<void>;
}

export interface RigOptions {
  /** Says whom tokens speak for, where config asks for it. */
  readonly keystone?: TokenSource;
  readonly config?: (config: Config) => Config;
  readonly claims?: readonly string[];
  readonly stores?: readonly string[];
  /** Parts to stand in for the engine's, where a test has to decide how they behave. */
  readonly parts?: Partial<HttpParts>;
}

export async function httpRig(options: RigOptions = {}): Promise<HttpRig> {
  const directory = await tempDir();
  const loaded = loadConfig({ env: {}, flags: { dataDir: directory.path, port: 0 } });
  const config = options.config?.(loaded) ?? loaded;
  const database = await openDatabase({ path: path.join(directory.path, 'stowage.sqlite') });
  const epoch = await database.write((tx) => tx.startEpoch(new Date(), { pid: 1, host: 'test' }));
  const stores = new StoreRegistry((options.stores ?? ['fast']).map(unusedStore));
  const plugins = noPlugins();

  const container = new Container({ defaultScope: 'Singleton' });
  container.bind(Clock).toConstantValue(systemClock);
  container.bind(Logger).toConstantValue(silentLogger);
  container.bind(Database).toConstantValue(database);
  container.bind<unknown>(Dataflow).toConstantValue({});
  container.bind(Plugins).toConstantValue(plugins);
  container.bind(StoreRegistry).toConstantValue(stores);
  container.bind(Worker).toConstantValue({ epoch });
  container.load(engineModule(config, 1024 ** 3, limitSource(config, undefined)));

  const policy = createPolicy(config.policy, config.images.propertyProtections);
  const parts: HttpParts = {
    config,
    policy,
    catalogue: createCatalogue({
      policy,
      database,
      removal: container.get<Removal>(Removal),
      quotas: container.get(Quotas),
      clock: systemClock,
      limits: config.images,
      claims: options.claims ?? [],
    }),
    members: createMembers({ database, policy, clock: systemClock, limits: config.images }),
    locations: createLocations({
      database,
      policy,
      imports: container.get<Imports>(Imports),
      removal: container.get<Removal>(Removal),
      stores: stores,
    }),
    volumes: createVolumeCatalogue({
      policy,
      read: database.read,
      volumes: container.get<ImageVolumes>(ImageVolumes),
    }),
    importCatalogue: createImportCatalogue({ read: database.read, policy }),
    imports: container.get<Imports>(Imports),
    uploads: container.get<Uploads>(Uploads),
    resumableUploads: container.get<ResumableUploads>(ResumableUploads),
    downloads: container.get<Downloads>(Downloads),
    quotas: container.get(Quotas),
    stores,
    plugins,
    database,
    authenticator: createAuthenticator(config.auth, undefined, {
      clock: systemClock,
      log: silentLogger,
      keystone: options.keystone,
    }),
    clock: systemClock,
    log: silentLogger,
    metrics: new ServerMetrics(),
    ...options.parts,
  };
  const server = createHttpServer(parts);
  const { url } = await server.listen();
  return {
    url,
    api: new ApiClient(url),
    routes: routesOf(parts),
    database,
    config,
    close: (deadlineMs) => server.close(deadlineMs),
    async [Symbol.asyncDispose]() {
      await server.close(0);
      await database.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

function routesOf(parts: HttpParts): readonly string[] {
  const { stack } = createRouter(parts, { stopping: new AbortController().signal });
  return stack.flatMap(({ methods, path: pattern }) =>
    methods
      .filter((name) => name !== 'HEAD' || !methods.includes('GET'))
      .map((name) => `${name} ${String(pattern)}`),
  );
}

/** Config in which callers are believed who say who they are. */
export function trustingHeaders(config: Config): Config {
  return { ...config, auth: { mode: 'headers', trusted: ['127.0.0.0/8'] } };
}

/** What a proxy says of a member of a project. */
export function memberOf(projectId: string, roles = 'member'): Record<string, string> {
  return { 'x-user-id': `user-of-${projectId}`, 'x-project-id': projectId, 'x-roles': roles };
}

function noPlugins(): Plugins {
  const methods = [method('glance-direct', true), method('upload', false)];
  return {
    pipelines: [],
    methods,
    method: (name) => methods.find(({ definition }) => definition.name === name),
    task: () => Promise.reject(new Error('There are no plugins here')),
  };
}

function method(name: string, requestable: boolean): LoadedMethod {
  const definition: ImportMethod = {
    name,
    description: name,
    params: z.looseObject({}),
    from: [name === 'upload' ? 'queued' : 'uploading'],
    data: 'new',
    requestable,
    source: class {
      source(): Promise<never> {
        return Promise.reject(new Error('There are no plugins here'));
      }
    },
  };
  return { definition, source: new definition.source() };
}

function unusedStore(id: string, index: number): RegisteredStore {
  const fail = (): Promise<never> => Promise.reject(new Error('No test uses this store'));
  return {
    info: {
      id,
      driver: 'filesystem',
      description: `Store ${id}`,
      isDefault: index === 0,
      readOnly: id === 'frozen',
      schemes: ['vault'],
      registersUnread: false,
    },
    store: { write: fail, open: fail, stat: fail, delete: fail, discard: fail },
  };
}
