import type { z } from 'zod';
import type { JsonObject } from '../../base/json.js';
import type { ImageStatus } from '../../image/image.js';
import type { DataSource, MethodContext } from './source.js';
import type { Store } from './store.js';
import type { ImportTask } from './task.js';
import { serviceToken } from './token.js';
import type { InjectableClass, ServiceToken } from './token.js';

/** The version of this contract. A manifest names the version that it was written for. */
export const PLUGIN_API_VERSION = 1;

/** Everything that a plugin package says of itself; the default export of its entry file. */
export interface PluginManifest {
  /** As it stands in config and rows: kebab-case, or the package's name. */
  readonly name: string;
  readonly apiVersion: number;
  readonly description?: string;
  /** Schema of the plugin's own part of the config. @default an empty object */
  readonly config?: z.ZodType;

  /** A class with its services; see {@link definePlugin} for the checked form. */
  readonly task?: new (...services: never[]) => ImportTask;
  readonly inject?: readonly ServiceToken<unknown>[];
  /** The task makes new bytes of the old ones; it does not run for copies of an active image. */
  readonly replacesData?: boolean;
  /** The task may refuse the bytes; it does not run for copies of an active image. */
  readonly judgesData?: boolean;
  /** The task runs once for each target store. */
  readonly perStore?: boolean;
  /** `first` or `last` in every pipeline; @default anywhere */
  readonly position?: 'first' | 'last';
  /** Plugins that must stand before this one wherever both are listed. */
  readonly after?: readonly string[];
  /** Plugins that must stand after this one wherever both are listed. */
  readonly before?: readonly string[];
  /**
   * Image properties that only this plugin may write: names, or prefixes that end in `*`. A plugin
   * may write properties outside any claim as well, but not another plugin's.
   */
  readonly properties?: readonly string[];
  /**
   * Image properties that the task writes because its config says so. They are judged at start:
   * reserved names, and those that another plugin claims, stop it.
   */
  writes?(config: unknown): readonly string[];
  readonly defaults?: TaskDefaults;

  readonly methods?: readonly ImportMethod[];
  readonly stores?: readonly StoreDriver[];
}

/** Limits of a task where config does not say otherwise. */
export interface TaskDefaults {
  /** Milliseconds for one attempt. */
  readonly timeoutMs?: number;
  /** Attempts in a row without progress when the failure is transient. */
  readonly attempts?: number;
  /** Imports that may be in this task at once. */
  readonly concurrency?: number;
}

/** A way for the bytes to come: the `name` of the request's `method`. */
export interface ImportMethod {
  readonly name: string;
  readonly description: string;
  /** What the client may say in `method` beside its name. */
  readonly params: z.ZodType;
  /** Image states in which the method may begin. */
  readonly from: readonly ImageStatus[];
  /** Whether it brings new bytes, uses those of an active image, or has none to show. */
  readonly data: 'new' | 'existing' | 'none';
  /** The bytes stay where they are: nothing may replace them. @default false */
  readonly inPlace?: boolean;
  /** A client may name it in `POST …/import`. @default true */
  readonly requestable?: boolean;
  /** Schema of the method's own part of the config. @default an empty object */
  readonly config?: z.ZodType;
  readonly source: new (...services: never[]) => MethodSource;
  readonly inject?: readonly ServiceToken<unknown>[];
}

/** Answers where the bytes of one import come from. */
export interface MethodSource {
  /**
   * Judges the request before anything is recorded: what it refuses is a 4xx at once.
   * Must not wait for anything slow.
   */
  check?(params: JsonObject): Promise<void>;
  source(context: MethodContext): Promise<DataSource>;
}

/** A kind of store: `driver` in the config of a store. */
export interface StoreDriver {
  readonly driver: string;
  readonly description: string;
  /** Schema of the store's part of the config beside `id`, `driver`, `default`, `description`. */
  readonly config?: z.ZodType;
  readonly readOnly?: boolean;
  /** Schemes of URLs under which a caller may register what this kind of store holds already. */
  readonly schemes?: readonly string[];
  /**
   * What is registered is taken for the image as it is, without being read: a raw disk that a storage
   * holds, which a service has made for the image. It has no digest. @default false
   */
  readonly registersUnread?: boolean;
  readonly store: new (...services: never[]) => Store;
  readonly inject?: readonly ServiceToken<unknown>[];
}

/** The validated config of the plugin, method or store that is being constructed. */
export const PluginConfig = serviceToken<never>('PluginConfig');

/** Facts about the server. */
export interface PluginSite {
  /** Absolute directory that relative paths in config start from. */
  readonly dataDir: string;
  /** Id of the configured store, for a store; the entry's id, for a task. */
  readonly id: string;
  /** Extra properties that an image may have. */
  readonly maxProperties: number;
}
export const PluginSite = serviceToken<PluginSite>('PluginSite');

/** The token for validated config of type `T`, so that the compiler can check the constructor. */
export function pluginConfig<T>(): ServiceToken<T> {
  return PluginConfig;
}

type Tokens = readonly ServiceToken<unknown>[];

/** Checks that a task's constructor takes exactly what `inject` lists. */
export function definePlugin<const T extends Tokens = readonly []>(
  manifest: Omit<PluginManifest, 'task' | 'inject'> & {
    readonly task?: InjectableClass<ImportTask, T>;
    readonly inject?: T;
  },
): PluginManifest {
  return manifest as PluginManifest;
}

/** Checks that a method's constructor takes exactly what `inject` lists. */
export function defineMethod<const T extends Tokens = readonly []>(
  method: Omit<ImportMethod, 'source' | 'inject'> & {
    readonly source: InjectableClass<MethodSource, T>;
    readonly inject?: T;
  },
): ImportMethod {
  return method as ImportMethod;
}

/** Checks that a store's constructor takes exactly what `inject` lists. */
export function defineStore<const T extends Tokens = readonly []>(
  driver: Omit<StoreDriver, 'store' | 'inject'> & {
    readonly store: InjectableClass<Store, T>;
    readonly inject?: T;
  },
): StoreDriver {
  return driver as StoreDriver;
}
