import type { JsonObject } from '../base/json.js';
import type { ProtectionText } from '../auth/rules/property-protections.js';
import type { Secret } from '../base/secret.js';
import type { QuotaLimits, QuotaName } from '../image/quota.js';

/**
 * The configuration after defaults, file, environment and flags: validated, frozen, with absolute
 * paths, bytes and milliseconds. Inside, nobody checks or defaults it again.
 */
export interface Config {
  /** Absolute path of the file that was read; `undefined` when there is none. */
  readonly file: string | undefined;
  /** Absolute. Everything embedded lives below it. */
  readonly dataDir: string;
  readonly server: ServerConfig;
  readonly auth: AuthConfig;
  readonly policy: PolicyConfig;
  readonly stores: readonly StoreConfig[];
  readonly staging: StagingConfig;
  readonly images: ImagesConfig;
  readonly quotas: QuotasConfig;
  readonly imports: ImportsConfig;
  readonly notifications: NotificationsConfig;
  readonly programs: ProgramsConfig;
  readonly log: LogConfig;
}

export interface ServerConfig {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Base URL that clients see, without a trailing slash; `undefined`: from the request. */
  readonly publicEndpoint: string | undefined;
  /** Milliseconds for a graceful stop. */
  readonly shutdownTimeoutMs: number;
  /** Milliseconds that an upload may stand still. */
  readonly uploadIdleTimeoutMs: number;
  /** Bytes a second. */
  readonly uploadMinRate: number;
  /** Origins of web pages that may call the API; `*` for every one. */
  readonly corsOrigins: readonly string[];
  /** CIDR: whose forwarding headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Bytes of a JSON body. */
  readonly maxJsonSize: number;
}

export type AuthConfig =
  | { readonly mode: 'none'; readonly allowRemote: boolean }
  /** Trusts `X-Project-Id`, `X-User-Id`, `X-Roles` from these networks only (CIDR). */
  | { readonly mode: 'headers'; readonly trusted: readonly string[] }
  | ({ readonly mode: 'keystone' } & KeystoneConfig);

/** The identity service that says whom a token speaks for. */
export interface KeystoneConfig {
  /** With the version, without a trailing slash: `https://keystone.example/v3`. */
  readonly url: string;
  /** The same for clients: named in answers that ask for a token. */
  readonly publicUrl: string;
  readonly credential: KeystoneCredentialConfig;
  /** Absolute path of certificates that are trusted beside the public ones. */
  readonly caFile: string | undefined;
  /** Milliseconds for one answer. */
  readonly timeoutMs: number;
  /** Milliseconds that an answer counts without asking again. */
  readonly cacheMs: number;
  /** Tokens that are remembered. */
  readonly cacheSize: number;
  /** Milliseconds that an answer counts while Keystone cannot be asked. */
  readonly outageMs: number;
}

export type KeystoneCredentialConfig =
  | {
      readonly kind: 'password';
      readonly user: string;
      readonly userDomain: string;
      readonly password: Secret;
      readonly project: string;
      readonly projectDomain: string;
    }
  | { readonly kind: 'application'; readonly id: string; readonly secret: Secret };

/** Rules of the policy that stand above the defaults, by name; their text is not read yet. */
export type PolicyConfig = Readonly<Record<string, string>>;

export interface StoreConfig {
  readonly id: string;
  readonly driver: string;
  readonly isDefault: boolean;
  readonly description: string;
  /** The driver's own part, not validated yet. */
  readonly config: JsonObject;
}

export interface StagingConfig {
  /** Absolute directory. */
  readonly path: string;
  /** Bytes, or `auto`: 80 % of what is free at start. */
  readonly capacity: number | 'auto';
  /** Part of the capacity (0–1) that new bytes may not take, so that a waiting import can finish. */
  readonly reserve: number;
  /** Milliseconds that staged bytes without an import are kept. */
  readonly retentionMs: number;
}

export interface ImagesConfig {
  /** Bytes that one image may have. */
  readonly maxSize: number;
  /** Bytes that a guest may see. */
  readonly maxVirtualSize: number;
  /** Compute the legacy md5 `checksum`. */
  readonly checksum: boolean;
  /** Images that came without being read are read afterwards for their digests. */
  readonly digestLater: boolean;
  /** `os_hash_algo`: sha256, sha384 or sha512. */
  readonly hashAlgorithm: string;
  readonly maxProperties: number;
  readonly maxTags: number;
  readonly maxMembers: number;
  readonly showLocations: boolean;
  readonly changeLocations: boolean;
  readonly showDirectUrl: boolean;
  /** By name, what the values of some properties may be. */
  readonly properties: Readonly<Record<string, PropertyConfig>>;
  /** Who may create, read, update and delete properties, by rules that are not read yet. */
  readonly propertyProtections: readonly ProtectionText[];
  /** Names of safety rules that refuse nothing. */
  readonly relaxedRules: readonly string[];
}

export type QuotasConfig = ConfiguredQuotas | KeystoneQuotas;

/** Limits are those that are registered with Keystone. */
export interface KeystoneQuotas {
  readonly source: 'keystone';
  /** Whose limits hold before those of all regions. */
  readonly region: string | undefined;
}

/** What projects may have, in bytes and images. */
export interface ConfiguredQuotas {
  readonly source: 'config';
  /** For projects that have no limit of their own for it. */
  readonly defaults: QuotaLimits;
  /** By id of the project; `null` lifts a default. */
  readonly projects: Readonly<Record<string, Readonly<Partial<Record<QuotaName, number | null>>>>>;
}

/** An extra property as a deployer wants it; what is not said is free. */
export interface PropertyConfig {
  readonly description: string;
  readonly enum?: readonly string[];
  /** A regular expression that is found in the value. */
  readonly pattern?: string;
  /** Characters. */
  readonly maxLength?: number;
}

export interface ImportsConfig {
  readonly methods: readonly MethodEntry[];
  readonly uploads: 'observe' | 'full' | 'refuse';
  /** First match wins; the last one has no condition or nothing may match. */
  readonly pipelines: readonly Pipeline[];
  /** Imports that may run at once. */
  readonly concurrency: number;
  /** Milliseconds that finished imports and their events are kept. */
  readonly retentionMs: number;
  readonly retry: RetryConfig;
  /** Milliseconds for one attempt of a task that says nothing of its own. */
  readonly taskTimeoutMs: number;
  /** Milliseconds that one revert may take. */
  readonly revertTimeoutMs: number;
}

export interface MethodEntry {
  readonly name: string;
  /** The plugin that brings it, where that is neither built in nor in a pipeline. */
  readonly plugin?: string | undefined;
  readonly enabled: boolean;
  /** Not validated yet. */
  readonly config: JsonObject;
}

export interface Pipeline {
  readonly when: Condition | undefined;
  readonly tasks: readonly PipelineEntry[];
}

export interface PipelineEntry {
  readonly id: string;
  /** Bare name, `@scope/package`, `npm:package` or `./path`. */
  readonly plugin: string;
  readonly enabled: boolean;
  /** Not validated yet. */
  readonly config: JsonObject;
  readonly when: Condition | undefined;
  readonly retry: Partial<RetryConfig>;
  readonly timeoutMs: number | undefined;
  readonly concurrency: number | undefined;
}

export interface RetryConfig {
  /** Attempts in a row without progress, ≥ 1. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubles each time. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

/** Every part that is given must hold. A list holds when one of its members does. */
export interface Condition {
  readonly diskFormat?: readonly string[];
  readonly containerFormat?: readonly string[];
  /** Bytes of the data, where they are known. */
  readonly size?: { readonly min?: number; readonly max?: number };
  readonly project?: readonly string[];
  readonly role?: readonly string[];
  readonly method?: readonly string[];
  readonly store?: readonly string[];
  /** Image properties with one of the values. */
  readonly property?: Readonly<Record<string, readonly string[]>>;
}

/** Who is told of changes of images and of imports. */
export interface NotificationsConfig {
  /** Writes them to the log. */
  readonly log: boolean;
  readonly webhook: WebhookConfig | undefined;
  /** Types, or their beginnings up to a dot, that nobody is told of. */
  readonly disabled: readonly string[];
  /** Milliseconds after which one that cannot be brought is given up. */
  readonly retentionMs: number;
}

export interface WebhookConfig {
  readonly url: string;
  readonly headers: Readonly<Record<string, Secret>>;
  /** Milliseconds for one answer. */
  readonly timeoutMs: number;
}

export interface ProgramsConfig {
  /** `auto`: bubblewrap where it works, plain limits otherwise. */
  readonly confinement: 'auto' | 'bubblewrap' | 'limits';
  /** Bytes of address space of one program. */
  readonly addressSpace: number;
  /** `nice` level, 0–19. */
  readonly niceness: number;
}

export interface LogConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'json' | 'text';
}
