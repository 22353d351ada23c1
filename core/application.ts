import 'reflect-metadata';
import { hostname } from 'node:os';
import path from 'node:path';
import { Container } from 'inversify';
import { createAuthenticator } from './auth/create-authenticator.js';
import { Clock, systemClock } from './base/clock.js';
import { formatByteSize } from './base/byte-size.js';
import { connectKeystone } from './auth/keystone/create.js';
import { createPolicy } from './auth/policy.js';
import type { Policy } from './auth/policy.js';
import { createCatalogue } from './catalogue/image-catalogue.js';
import { createLocations } from './catalogue/locations.js';
import { createMembers } from './catalogue/image-members.js';
import { createVolumeCatalogue } from './catalogue/image-volumes.js';
import { createImportCatalogue } from './catalogue/import-catalogue.js';
import type { Keystone } from './client/keystone/keystone.js';
import type { Config } from './config/config.js';
import { Dataflow } from './dataflow/pass.js';
import { lockDataDir } from './database/data-dir-lock.js';
import { openDatabase } from './database/open.js';
import { rehearse } from './database/rehearsal.js';
import { writeServerInfo } from './database/server-info.js';
import { DownloadService } from './engine/service/downloads.js';
import { Engine } from './engine/engine.js';
import { engineModule } from './engine/engine.module.js';
import { Quotas } from './engine/bytes/quotas.js';
import { Worker } from './engine/live.js';
import { Database } from './engine/ports.js';
import {
  Downloads,
  ImageVolumes,
  Imports,
  Removal,
  ResumableUploads,
  Uploads,
} from './engine/service.js';
import { createHttpServer } from './http/server.js';
import type { HttpServer } from './http/server.js';
import { createDispatcher, hasTarget, wantsNotification } from './notifications/create.js';
import type { Dispatcher } from './notifications/dispatcher.js';
import { PluginServices } from './plugin-services.js';
import { loadPlugins } from './plugin/host.js';
import type { PluginHost } from './plugin/host.js';
import { Plugins } from './plugin/plugins.js';
import { limitSource } from './quotas.js';
import { warnOfRelaxedRules } from './relaxed-rules.js';
import { stagingCapacity, warnOfCopies } from './sizing.js';
import { StoreRegistry } from './store/registry.js';
import { StoreSupervision } from './store/supervision.js';
import { Logger, createLogger } from './telemetry/logger.js';
import { ServerMetrics } from './telemetry/metrics.js';

/** The whole server in one process. */
export interface Application {
  /**
   * Takes the data directory, goes on with what an earlier life has left, and serves.
   * @throws {ConflictError} `DATA_DIR_IN_USE` · `PORT_TAKEN`
   */
  start(): Promise<{ readonly url: string }>;
  /** Ends requests and tasks within the configured time. May be called again. */
  stop(): Promise<void>;
}

/** Absolute path of the database below a data directory. */
export function databaseFile(dataDir: string): string {
  return path.join(dataDir, 'stowage.sqlite');
}

/**
 * Loads and checks every plugin that config lists; nothing is opened or changed before all are right.
 * @throws {InvalidInputError} `PLUGINS_INVALID`
 */
export async function createApplication(config: Config): Promise<Application> {
  const policy = createPolicy(config.policy, config.images.propertyProtections);
  const log = createLogger(config.log);
  const metrics = new ServerMetrics();
  const services = new PluginServices(config, log, metrics);
  const host = await loadPlugins({
    config,
    services: (owner) => services.of(owner),
  });
  const keystone =
    config.auth.mode === 'keystone' ? connectKeystone(config.auth, systemClock) : undefined;
  const parts: Running = { config, policy, keystone, log, metrics, services, host };
  let started: Promise<Stoppable> | undefined;
  let stopped: Promise<void> | undefined;
  return {
    async start() {
      started ??= startAll(parts);
      return { url: (await started).url };
    },
    stop() {
      stopped ??= (async () => (await started?.catch(() => undefined))?.stop())();
      return stopped;
    },
  };
}

interface Running {
  readonly config: Config;
  readonly policy: Policy;
  readonly keystone: Keystone | undefined;
  readonly log: Logger;
  readonly metrics: ServerMetrics;
  readonly services: PluginServices;
  readonly host: PluginHost;
}

interface Stoppable {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts part after part; when one fails, those before it are stopped in reverse order. */
async function startAll(running: Running): Promise<Stoppable> {
  const { config, log, services, host } = running;
  const undo: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const lock = await lockDataDir(config.dataDir);
    undo.push(() => lock.release());
    undo.push(() => running.keystone?.close() ?? Promise.resolve());
    const notifier = hasTarget(config.notifications)
      ? { wants: wantsNotification(config.notifications), committed: () => dispatcher?.wake() }
      : undefined;
    const database = await openDatabase({
      path: databaseFile(config.dataDir),
      ...(notifier === undefined ? {} : { notify: notifier }),
    });
    undo.push(() => database.close());
    const dispatcher: Dispatcher | undefined =
      notifier && createDispatcher(config.notifications, { database, clock: systemClock, log });
    undo.push(() => dispatcher?.stop() ?? Promise.resolve());
    dispatcher?.start();
    await rehearse(database, systemClock.now());
    const epoch = await database.write((tx) =>
      tx.startEpoch(systemClock.now(), { pid: process.pid, host: hostname() }),
    );
    undo.push(() => services.stop());
    const stores = new StoreSupervision(
      host.stores,
      async () => new Set(await database.read.usedStores()),
      systemClock,
      log,
    );
    undo.push(() => stores.stop());
    await stores.start();

    const capacity = await stagingCapacity(config, database.read);
    const container = new Container({ defaultScope: 'Singleton' });
    container.bind(Clock).toConstantValue(systemClock);
    container.bind(Logger).toConstantValue(log);
    container.bind(Database).toConstantValue(database);
    container.bind(Dataflow).toConstantValue(services.dataflow);
    container.bind(Plugins).toConstantValue(host.plugins);
    container.bind(StoreRegistry).toConstantValue(host.stores);
    container.bind(Worker).toConstantValue({ epoch });
    container.load(engineModule(config, capacity, limitSource(config, running.keystone)));
    services.connect(database, container.get(DownloadService).forPlugins());

    const engine = container.get(Engine);
    await engine.start();
    undo.push(() => engine.stop(config.server.shutdownTimeoutMs));
    const http = httpServer(running, container);
    undo.push(() => http.close(config.server.shutdownTimeoutMs));
    const { url } = await http.listen();
    await writeServerInfo(config.dataDir, { pid: process.pid, url, startedAt: new Date() });
    await warnOfCopies(config, host.stores, log);
    warnOfRelaxedRules(config, log);
    log.info('Stowage serves', { url, staging_capacity: formatByteSize(capacity), epoch });
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function httpServer(
  { config, policy, keystone, log, metrics, host }: Running,
  container: Container,
): HttpServer {
  const database = container.get<Database>(Database);
  const claims = host.plugins.pipelines
    .flatMap(({ tasks }) => tasks)
    .flatMap(({ manifest }) => manifest.properties ?? []);
  return createHttpServer({
    config,
    policy,
    catalogue: createCatalogue({
      policy,
      database,
      removal: container.get<Removal>(Removal),
      quotas: container.get(Quotas),
      clock: systemClock,
      limits: config.images,
      claims,
    }),
    members: createMembers({ database, policy, clock: systemClock, limits: config.images }),
    locations: createLocations({
      database,
      policy,
      imports: container.get<Imports>(Imports),
      removal: container.get<Removal>(Removal),
      stores: host.stores,
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
    stores: host.stores,
    plugins: host.plugins,
    database,
    authenticator: createAuthenticator(config.auth, config.server.publicEndpoint, {
      clock: systemClock,
      log,
      keystone,
    }),
    clock: systemClock,
    log,
    metrics,
  });
}
