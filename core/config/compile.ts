import path from 'node:path';
import type {
  Config,
  ImportsConfig,
  Pipeline,
  PipelineEntry,
  PropertyConfig,
  QuotasConfig,
  RetryConfig,
  ServerConfig,
  StoreConfig,
} from './config.js';
import type { QuotaLimits } from '../image/quota.js';
import { compileAuth } from './compile-auth.js';
import { compileCondition } from './condition.js';
import type { PipelineSettings } from './pipeline-settings.js';
import { PipelineTasks } from './pipeline-settings.js';
import { present } from './present.js';
import { DEFAULT_PIPELINE } from './settings.js';
import type { Settings } from './settings.js';

/** What the settings alone do not tell. */
export interface Surroundings {
  /** Absolute path of the config file. */
  readonly file: string | undefined;
  /** Absolute. */
  readonly dataDir: string;
  /** Somebody reads the log on a terminal. */
  readonly isTerminal: boolean;
}

/** Turns valid settings into what the rest of the server holds: frozen, with absolute paths. */
export function compileConfig(
  settings: Settings,
  { file, dataDir, isTerminal }: Surroundings,
): Config {
  const { images, staging, programs, log } = settings;
  return freeze({
    file,
    dataDir,
    server: compileServer(settings.server),
    auth: compileAuth(settings.auth, dataDir),
    policy: settings.policy,
    stores: compileStores(settings.stores),
    staging: {
      path: path.resolve(dataDir, staging.path),
      capacity: staging.capacity,
      reserve: staging.reserve,
      retentionMs: staging.retention,
    },
    images: {
      maxSize: images.max_size,
      maxVirtualSize: images.max_virtual_size,
      checksum: images.checksum,
      digestLater: images.digest_later,
      hashAlgorithm: images.hash_algorithm,
      maxProperties: images.max_properties,
      maxTags: images.max_tags,
      maxMembers: images.max_members,
      showLocations: images.show_locations,
      changeLocations: images.change_locations,
      showDirectUrl: images.show_direct_url,
      properties: compileProperties(images.properties),
      propertyProtections: images.property_protections,
      relaxedRules: images.relaxed_rules,
    },
    quotas: compileQuotas(settings.quotas),
    imports: compileImports(settings.imports),
    notifications: compileNotifications(settings.notifications),
    programs: {
      confinement: programs.confinement,
      addressSpace: programs.address_space,
      niceness: programs.niceness,
    },
    log: {
      level: log.level,
      format: log.format === 'auto' ? (isTerminal ? 'text' : 'json') : log.format,
    },
  });
}

function compileServer(server: Settings['server']): ServerConfig {
  return {
    host: server.host,
    port: server.port,
    publicEndpoint: server.public_endpoint?.replace(/\/+$/, ''),
    shutdownTimeoutMs: server.shutdown_timeout,
    uploadIdleTimeoutMs: server.upload_idle_timeout,
    uploadMinRate: server.upload_min_rate,
    corsOrigins: server.cors_origins.map((origin) =>
      origin === '*' ? origin : new URL(origin).origin,
    ),
    trustedProxies: server.trusted_proxies,
    maxJsonSize: server.max_json_size,
  };
}

function compileProperties(
  properties: Settings['images']['properties'],
): Readonly<Record<string, PropertyConfig>> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, { description, max_length: maxLength, ...rest }]) => [
      name,
      { description, ...present({ ...rest, maxLength }) },
    ]),
  );
}

function compileNotifications(notifications: Settings['notifications']): Config['notifications'] {
  const { log, webhook, disabled, retention } = notifications;
  return {
    log,
    webhook: webhook && {
      url: webhook.url,
      headers: webhook.headers,
      timeoutMs: webhook.timeout,
    },
    disabled,
    retentionMs: retention,
  };
}

function compileQuotas({
  source,
  region,
  projects,
  ...defaults
}: Settings['quotas']): QuotasConfig {
  if (source === 'keystone') return { source, region };
  return {
    source,
    defaults: present<QuotaLimits>(defaults),
    projects: Object.fromEntries(
      Object.entries(projects).map(([id, limits]) => [
        id,
        present(
          Object.fromEntries(
            Object.entries(limits).map(([name, limit]) => [
              name,
              limit === 'unlimited' ? null : limit,
            ]),
          ),
        ),
      ]),
    ),
  };
}

function compileStores(stores: Settings['stores']): readonly StoreConfig[] {
  const marked = stores.findIndex((store) => store.default);
  return stores.map(({ id, driver, description, ...rest }, index) => {
    const own = Object.entries(rest).filter(([key]) => key !== 'default');
    return {
      id,
      driver,
      isDefault: index === Math.max(0, marked),
      description,
      config: Object.fromEntries(own),
    };
  });
}

function compileImports(imports: Settings['imports']): ImportsConfig {
  const pipelines: readonly PipelineSettings[] = imports.pipelines ?? [
    { tasks: imports.pipeline ?? PipelineTasks.parse([...DEFAULT_PIPELINE]) },
  ];
  return {
    methods: imports.methods.map(({ name, plugin, enabled, config }) => ({
      name,
      ...(plugin === undefined ? {} : { plugin }),
      enabled,
      config,
    })),
    uploads: imports.uploads,
    pipelines: pipelines.map(compilePipeline),
    concurrency: imports.concurrency,
    retentionMs: imports.retention,
    retry: {
      attempts: imports.retry.attempts,
      backoffMs: imports.retry.backoff,
      maxBackoffMs: imports.retry.max_backoff,
    },
    taskTimeoutMs: imports.task_timeout,
    revertTimeoutMs: imports.revert_timeout,
  };
}

function compilePipeline({ when, tasks }: PipelineSettings): Pipeline {
  return { when: compileCondition(when), tasks: tasks.map(compileEntry) };
}

function compileEntry(entry: PipelineSettings['tasks'][number]): PipelineEntry {
  const { attempts, backoff: backoffMs, max_backoff: maxBackoffMs } = entry.retry;
  return {
    id: entry.id ?? entry.plugin,
    plugin: entry.plugin,
    enabled: entry.enabled,
    config: entry.config,
    when: compileCondition(entry.when),
    retry: present<RetryConfig>({ attempts, backoffMs, maxBackoffMs }),
    timeoutMs: entry.timeout,
    concurrency: entry.concurrency,
  };
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}
