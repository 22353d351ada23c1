import type { Condition, PipelineEntry } from '../config/config.js';
import type { JsonObject } from '../base/json.js';
import type { ImportMethod, MethodSource, PluginManifest } from './contract/manifest.js';
import type { ImportTask } from './contract/task.js';

/**
 * The plugins that config lists, resolved, checked and constructed. Knows nothing of imports; the
 * engine asks it for tasks and methods by name.
 */
export interface Plugins {
  /** The enabled entries of every pipeline, in order. */
  readonly pipelines: readonly ResolvedPipeline[];
  /** Enabled methods in config order. */
  readonly methods: readonly LoadedMethod[];
  method(name: string): LoadedMethod | undefined;
  /**
   * The task of a frozen flow, constructed with the config that was frozen with it. Loads a plugin
   * that config no longer lists, since an import under way does not change.
   * @throws {PermanentError} `PLUGIN_GONE` when it cannot be loaded any more.
   */
  task(frozen: FrozenTask): Promise<LoadedTask>;
}
export const Plugins = Symbol('Plugins');

export interface ResolvedPipeline {
  readonly when: Condition | undefined;
  readonly tasks: readonly ResolvedEntry[];
}

export interface ResolvedEntry {
  readonly entry: PipelineEntry;
  readonly manifest: PluginManifest;
  /** Validated config for a row: every secret is left out and put back by {@link Plugins.task}. */
  readonly frozenConfig: JsonObject;
}

export interface FrozenTask {
  readonly entry: string;
  readonly plugin: string;
  readonly config: JsonObject;
}

export interface LoadedTask {
  readonly manifest: PluginManifest;
  readonly task: ImportTask;
  /**
   * Names the facts that the task's observer makes: entry, plugin, contract version and a digest of
   * the config. Facts under another key are not this task's.
   */
  readonly observerKey: string;
}

export interface LoadedMethod {
  readonly definition: ImportMethod;
  readonly source: MethodSource;
}
