import type { Config } from '../config/config.js';
import { describeFault, faultsError } from '../plugin/fault.js';
import type { LoadedPackage } from '../plugin/load.js';
import { planPlugins } from '../plugin/plan.js';
import type { PluginPlan } from '../plugin/plan.js';
import { EXIT } from './exit.js';

/** One plugin as `plugins list` shows it. */
export type PluginListing = {
  readonly name: string;
  readonly specifier: string;
  readonly origin: LoadedPackage['origin'];
  readonly version: string;
  readonly file: string;
  readonly description: string;
  /** Ids of the pipeline entries that run its task; `null` where it brings none. */
  readonly task: readonly string[] | null;
  readonly methods: readonly { readonly name: string; readonly enabled: boolean }[];
  /** Drivers with the ids of the stores that use them. */
  readonly drivers: readonly { readonly driver: string; readonly stores: readonly string[] }[];
};

type Out = (line: string) => void;

/**
 * Lists every plugin that config names and every built-in one, with what is in use of it. Faults come
 * after the list. Answers with the exit code: 0 where all is sound, 2 otherwise.
 */
export async function listPlugins(
  config: Config,
  options: { readonly json: boolean },
  out: Out,
): Promise<number> {
  const plan = await planPlugins(config);
  const listings = plan.packages.map((loaded) => listing(loaded, plan));
  if (options.json) out(JSON.stringify({ plugins: listings, faults: plan.faults }));
  else for (const line of [...asText(listings), ...plan.faults.map(describeFault)]) out(line);
  return exitCode(plan);
}

/**
 * Loads every plugin that config lists and says everything that is wrong. Nothing is constructed or
 * started. Answers with the exit code as {@link listPlugins}.
 */
export async function checkPlugins(
  config: Config,
  options: { readonly json: boolean },
  out: Out,
): Promise<number> {
  const plan = await planPlugins(config);
  if (options.json) out(JSON.stringify({ valid: plan.faults.length === 0, faults: plan.faults }));
  else if (plan.faults.length > 0) out(faultsError(plan.faults).message);
  else {
    const tasks = plan.pipelines.reduce((sum, { tasks }) => sum + tasks.length, 0);
    out(
      `${tasks} tasks, ${plan.methods.length} methods and ${plan.stores.length} stores are right`,
    );
  }
  return exitCode(plan);
}

function exitCode({ faults }: PluginPlan): number {
  return faults.length === 0 ? EXIT.ok : EXIT.usage;
}

function listing(loaded: LoadedPackage, plan: PluginPlan): PluginListing {
  const { specifier, origin, version, file, manifest } = loaded;
  const isThis = (other: { readonly loaded: LoadedPackage }): boolean => other.loaded.file === file;
  const entries = plan.pipelines.flatMap(({ tasks }) => tasks).filter(isThis);
  const methods = plan.methods.filter(isThis).map(({ definition }) => definition.name);
  const stores = plan.stores.filter(isThis);
  return {
    name: manifest.name,
    specifier,
    origin,
    version,
    file,
    description: manifest.description ?? '',
    task: manifest.task === undefined ? null : [...new Set(entries.map(({ entry }) => entry.id))],
    methods: (manifest.methods ?? []).map(({ name }) => ({
      name,
      enabled: methods.includes(name),
    })),
    drivers: (manifest.stores ?? []).map(({ driver }) => ({
      driver,
      stores: stores
        .filter(({ definition }) => definition.driver === driver)
        .map(({ store }) => store.id),
    })),
  };
}

function* asText(listings: readonly PluginListing[]): Iterable<string> {
  for (const { name, origin, version, file, description, task, methods, drivers } of listings) {
    yield `${name}${version === '' ? '' : ` ${version}`} (${origin === 'built-in' ? origin : file})`;
    if (description !== '') yield `  ${description}`;
    if (task !== null) yield `  task: ${inUse('entry', task)}`;
    for (const method of methods) {
      yield `  method ${method.name}: ${method.enabled ? 'enabled' : 'not enabled'}`;
    }
    for (const { driver, stores } of drivers)
      yield `  store driver ${driver}: ${inUse('store', stores)}`;
  }
}

function inUse(what: string, names: readonly string[]): string {
  return names.length === 0 ? 'not in use' : `${what} ${names.join(', ')}`;
}
