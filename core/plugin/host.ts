import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/canonical-json.js';
import { PermanentError } from '../base/errors.js';
import type { JsonObject } from '../base/json.js';
import type { Config } from '../config/config.js';
import type { StoreRegistry } from '../store/registry.js';
import { Builder } from './builder.js';
import type { BuiltTask, ServicesFor } from './builder.js';
import { PLUGIN_API_VERSION } from './contract/manifest.js';
import type { ImportTask } from './contract/task.js';
import { faultsError } from './fault.js';
import { SecretGoneError, thawConfig } from './frozen-config.js';
import type { LoadedPackage, PluginLoader } from './load.js';
import { loaderFor, planPlugins } from './plan.js';
import type { PluginPlan } from './plan.js';
import type { PlannedTask } from './planning.js';
import type { FrozenTask, LoadedMethod, LoadedTask, Plugins } from './plugins.js';
import { joinPath } from './schema-problems.js';

/**
 * The plugin host: turns config into constructed plugins and stores, or into one error with every
 * fault. It knows neither imports nor images; a built-in plugin is to it as any other.
 */
export interface HostOptions {
  readonly config: Config;
  readonly services: ServicesFor;
}

export interface PluginHost {
  readonly plugins: Plugins;
  /** Constructed and not started. */
  readonly stores: StoreRegistry;
}

/** @throws {InvalidInputError} `PLUGINS_INVALID` with every fault in `details.faults` */
export async function loadPlugins({ config, services }: HostOptions): Promise<PluginHost> {
  const loader = loaderFor(config);
  const plan = await planPlugins(config, loader);
  if (plan.faults.length > 0) throw faultsError(plan.faults);
  const builder = new Builder(config, services);
  const stores = builder.stores(plan);
  const methods = builder.methods(plan);
  const tasks = builder.tasks(plan);
  const plugins = new LoadedPlugins(plan, methods, tasks, loader, builder);
  if (builder.faults.length > 0) throw faultsError(builder.faults);
  return { plugins, stores };
}

class LoadedPlugins implements Plugins {
  readonly pipelines: Plugins['pipelines'];
  readonly #entries: readonly PlannedTask[];
  readonly #tasks = new Map<string, Promise<LoadedTask>>();

  constructor(
    { pipelines }: PluginPlan,
    readonly methods: readonly LoadedMethod[],
    tasks: readonly BuiltTask[],
    private readonly loader: PluginLoader,
    private readonly builder: Builder,
  ) {
    this.#entries = pipelines.flatMap(({ tasks }) => tasks);
    this.pipelines = pipelines.map(({ when, tasks }) => ({
      when,
      tasks: tasks.map(({ entry, loaded, frozen }) => ({
        entry,
        manifest: loaded.manifest,
        frozenConfig: frozen,
      })),
    }));
    for (const { planned, task } of tasks) {
      const { entry, loaded, frozen } = planned;
      this.#tasks.set(
        keyOf({ entry: entry.id, plugin: entry.plugin, config: frozen }),
        Promise.resolve(loadedTask(entry.id, loaded, frozen, task)),
      );
    }
  }

  method(name: string): LoadedMethod | undefined {
    return this.methods.find(({ definition }) => definition.name === name);
  }

  task(frozen: FrozenTask): Promise<LoadedTask> {
    const key = keyOf(frozen);
    const known = this.#tasks.get(key);
    if (known !== undefined) return known;
    const task = this.#task(frozen);
    this.#tasks.set(key, task);
    // What cannot be loaded now may be installed later.
    task.catch(() => this.#tasks.delete(key));
    return task;
  }

  async #task({ entry, plugin, config }: FrozenTask): Promise<LoadedTask> {
    const outcome = await this.loader.load(plugin);
    if (outcome.loaded === undefined) {
      const { problem, fix } = outcome.problems[0] ?? { problem: 'unknown', fix: '' };
      throw new PermanentError({
        code: 'PLUGIN_GONE',
        message: `Cannot load plugin "${plugin}", with which the import began: ${problem}`,
        hint: `${fix}; then restart Stowage`,
      });
    }
    const { loaded } = outcome;
    const task = this.builder.task(loaded, entry, this.#thaw({ entry, plugin, config }));
    return loadedTask(entry, loaded, config, task);
  }

  #thaw({ entry, plugin, config }: FrozenTask): unknown {
    const text = canonicalJson(config);
    const current = this.#entries
      .filter((planned) => planned.entry.id === entry && planned.entry.plugin === plugin)
      // The same id may stand in two pipelines with different secrets.
      .toSorted((a, b) => rank(a, text) - rank(b, text))[0];
    try {
      return thawConfig(config, current?.config);
    } catch (error) {
      if (!(error instanceof SecretGoneError)) throw error;
      throw new PermanentError({
        code: 'PLUGIN_GONE',
        message: `The secret "${joinPath('config', error.path)}" of entry "${entry}", with which the import began, is not configured any more`,
        hint: 'Put the entry back into the configuration, or start the import again',
        cause: error,
      });
    }
  }
}

function keyOf({ entry, plugin, config }: FrozenTask): string {
  return canonicalJson([entry, plugin, config]);
}

function loadedTask(
  entry: string,
  loaded: LoadedPackage,
  config: JsonObject,
  task: ImportTask,
): LoadedTask {
  return { manifest: loaded.manifest, task, observerKey: observerKey(entry, loaded, config) };
}

function rank({ frozen }: PlannedTask, text: string): number {
  return canonicalJson(frozen) === text ? 0 : 1;
}

function observerKey(
  entry: string,
  { manifest, version }: LoadedPackage,
  config: JsonObject,
): string {
  const digest = createHash('sha256').update(canonicalJson(config)).digest('hex').slice(0, 16);
  return `${entry}:${manifest.name}@${version}:${PLUGIN_API_VERSION}:${digest}`;
}
