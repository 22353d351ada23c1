import path from 'node:path';
import { stringify } from 'yaml';
import { exactByteSize } from '../base/byte-size.js';
import { exactDuration } from '../base/duration.js';
import type { JsonObject } from '../base/json.js';
import { Secret } from '../base/secret.js';
import { QUOTAS, isQuotaOfBytes } from '../image/quota.js';
import type { QuotaName } from '../image/quota.js';
import type {
  AuthConfig,
  Condition,
  Config,
  KeystoneConfig,
  PipelineEntry,
  QuotasConfig,
} from './config.js';
import { MASK, maskUrl } from './mask-url.js';

/** Keys whose values nobody should read over a shoulder. */
const SECRET_KEY =
  /(^|[_-])pass$|pass(word|wd|phrase)|secret|token|credential|authorization|cookie|(api|access|private|encryption)_?key/i;

/**
 * Writes the configuration that is in effect as YAML that can be loaded again, with absolute paths;
 * what is secret, or looks like it, is masked.
 */
export function showConfig(config: Config): string {
  return stringify(mask(settingsOf(config)), { lineWidth: 100 });
}

/** The configuration in the words of the config file. */
export function settingsOf(config: Config): unknown {
  const { server, staging, images, imports, programs } = config;
  return {
    data_dir: config.dataDir,
    server: {
      host: server.host,
      port: server.port,
      public_endpoint: server.publicEndpoint,
      shutdown_timeout: exactDuration(server.shutdownTimeoutMs),
      upload_idle_timeout: exactDuration(server.uploadIdleTimeoutMs),
      upload_min_rate: exactByteSize(server.uploadMinRate),
      cors_origins: server.corsOrigins,
      trusted_proxies: server.trustedProxies,
      max_json_size: exactByteSize(server.maxJsonSize),
    },
    auth: authOf(config.auth),
    policy: config.policy,
    stores: config.stores.map(({ id, driver, isDefault, description, config: own }) => ({
      id,
      driver,
      default: isDefault,
      description,
      ...withAbsolutePath(own, config.dataDir),
    })),
    staging: {
      path: staging.path,
      capacity: staging.capacity === 'auto' ? 'auto' : exactByteSize(staging.capacity),
      reserve: staging.reserve,
      retention: exactDuration(staging.retentionMs),
    },
    images: {
      max_size: exactByteSize(images.maxSize),
      max_virtual_size: exactByteSize(images.maxVirtualSize),
      checksum: images.checksum,
      digest_later: images.digestLater,
      hash_algorithm: images.hashAlgorithm,
      max_properties: images.maxProperties,
      max_tags: images.maxTags,
      max_members: images.maxMembers,
      show_locations: images.showLocations,
      change_locations: images.changeLocations,
      show_direct_url: images.showDirectUrl,
      properties: propertiesOf(images.properties),
      property_protections: images.propertyProtections,
      relaxed_rules: images.relaxedRules,
    },
    imports: {
      methods: imports.methods,
      uploads: imports.uploads,
      pipelines: imports.pipelines.map(({ when, tasks }) => ({
        when: conditionOf(when),
        tasks: tasks.map(entryOf),
      })),
      concurrency: imports.concurrency,
      retention: exactDuration(imports.retentionMs),
      retry: retryOf(imports.retry),
      task_timeout: exactDuration(imports.taskTimeoutMs),
      revert_timeout: exactDuration(imports.revertTimeoutMs),
    },
    quotas: quotasOf(config.quotas),
    notifications: notificationsOf(config.notifications),
    programs: {
      confinement: programs.confinement,
      address_space: exactByteSize(programs.addressSpace),
      niceness: programs.niceness,
    },
    log: config.log,
  };
}

function authOf(auth: AuthConfig): unknown {
  switch (auth.mode) {
    case 'none':
      return { mode: auth.mode, allow_remote: auth.allowRemote };
    case 'headers':
      return { mode: auth.mode, trusted: auth.trusted };
    case 'keystone':
      return { mode: auth.mode, keystone: keystoneOf(auth) };
  }
}

function keystoneOf(keystone: KeystoneConfig): unknown {
  const { credential } = keystone;
  return {
    url: keystone.url,
    public_url: keystone.publicUrl,
    ca_file: keystone.caFile,
    ...(credential.kind === 'application'
      ? {
          application_credential_id: credential.id,
          application_credential_secret: credential.secret,
        }
      : {
          user: credential.user,
          password: credential.password,
          user_domain: credential.userDomain,
          project: credential.project,
          project_domain: credential.projectDomain,
        }),
    timeout: exactDuration(keystone.timeoutMs),
    cache_time: exactDuration(keystone.cacheMs),
    cache_size: keystone.cacheSize,
    outage_time: exactDuration(keystone.outageMs),
  };
}

function propertiesOf(properties: Config['images']['properties']): unknown {
  return Object.fromEntries(
    Object.entries(properties).map(([name, { maxLength, ...same }]) => [
      name,
      { ...same, max_length: maxLength },
    ]),
  );
}

function quotasOf(quotas: QuotasConfig): unknown {
  if (quotas.source === 'keystone') return quotas;
  const { source, defaults, projects } = quotas;
  return {
    source,
    ...limitsOf(defaults),
    projects: Object.fromEntries(
      Object.entries(projects).map(([id, limits]) => [id, limitsOf(limits)]),
    ),
  };
}

function limitsOf(limits: Readonly<Partial<Record<QuotaName, number | null>>>): object {
  return Object.fromEntries(
    QUOTAS.flatMap((name) => {
      const limit = limits[name];
      if (limit === undefined) return [];
      if (limit === null) return [[name, 'unlimited']];
      return [[name, isQuotaOfBytes(name) ? exactByteSize(limit) : limit]];
    }),
  );
}

function notificationsOf(notifications: Config['notifications']): unknown {
  const { log, webhook, disabled, retentionMs } = notifications;
  return {
    log,
    webhook: webhook && {
      url: webhook.url,
      headers: webhook.headers,
      timeout: exactDuration(webhook.timeoutMs),
    },
    disabled,
    retention: exactDuration(retentionMs),
  };
}

/** A store's `path`, like every path in config, starts at the data dir. */
function withAbsolutePath(own: JsonObject, dataDir: string): JsonObject {
  const place = own['path'];
  return typeof place === 'string' ? { ...own, path: path.resolve(dataDir, place) } : own;
}

function entryOf(entry: PipelineEntry): unknown {
  return {
    plugin: entry.plugin,
    id: entry.id === entry.plugin ? undefined : entry.id,
    enabled: entry.enabled ? undefined : false,
    config: Object.keys(entry.config).length === 0 ? undefined : entry.config,
    when: conditionOf(entry.when),
    retry: Object.keys(entry.retry).length === 0 ? undefined : retryOf(entry.retry),
    timeout: entry.timeoutMs === undefined ? undefined : exactDuration(entry.timeoutMs),
    concurrency: entry.concurrency,
  };
}

function retryOf(retry: PipelineEntry['retry']): unknown {
  const { attempts, backoffMs, maxBackoffMs } = retry;
  return {
    attempts,
    backoff: backoffMs === undefined ? undefined : exactDuration(backoffMs),
    max_backoff: maxBackoffMs === undefined ? undefined : exactDuration(maxBackoffMs),
  };
}

function conditionOf(when: Condition | undefined): unknown {
  if (when === undefined) return undefined;
  const { diskFormat, containerFormat, size, ...same } = when;
  const ends = Object.entries(size ?? {}).map(([end, bytes]): [string, string] => [
    end,
    exactByteSize(bytes),
  ]);
  return {
    disk_format: diskFormat,
    container_format: containerFormat,
    size: size === undefined ? undefined : Object.fromEntries(ends),
    ...same,
  };
}

function mask(value: unknown): unknown {
  if (value instanceof Secret) return MASK;
  if (Array.isArray(value)) return value.map((member: unknown) => mask(member));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
        member === undefined ? [] : [[name, isSecret(name, member) ? MASK : mask(member)]],
      ),
    );
  }
  return typeof value === 'string' ? maskUrl(value) : value;
}

function isSecret(key: string, value: unknown): boolean {
  return SECRET_KEY.test(key) && value !== null && typeof value !== 'boolean';
}
