import path from 'node:path';
import type { Config } from '../config/config.js';
import type { PluginFault } from './fault.js';
import { PluginLoader } from './load.js';
import type { LoadedPackage } from './load.js';
import { planMethods } from './plan-methods.js';
import { planPipelines } from './plan-pipelines.js';
import { planStores } from './plan-stores.js';
import { Planning } from './planning.js';
import type { PlannedMethod, PlannedPipeline, PlannedStore } from './planning.js';

/** What config makes of the plugins, before anything is constructed. */
export interface PluginPlan {
  readonly pipelines: readonly PlannedPipeline[];
  readonly methods: readonly PlannedMethod[];
  readonly stores: readonly PlannedStore[];
  /** Every plugin that was loaded, built-in ones included, each once. */
  readonly packages: readonly LoadedPackage[];
  /** Everything that is wrong; a plan with faults must not be constructed. */
  readonly faults: readonly PluginFault[];
}

/** Resolves, loads and judges every plugin that config enables. Never throws for their faults. */
export async function planPlugins(config: Config, loader = loaderFor(config)): Promise<PluginPlan> {
  const planning = new Planning(config, loader);
  const pipelines = await planPipelines(planning);
  // Every plugin that is named anywhere may bring the driver or method that is named elsewhere.
  for (const [at, { enabled, plugin }] of config.imports.methods.entries()) {
    if (enabled && plugin !== undefined) {
      await planning.load(plugin, `imports.methods[${at}].plugin`);
    }
  }
  const stores = await planStores(planning);
  const methods = await planMethods(planning);
  return {
    pipelines,
    methods,
    stores,
    packages: await planning.packages(),
    faults: planning.faults,
  };
}

/** Resolves from the places that belong to a configuration. */
export function loaderFor({ file, dataDir }: Config): PluginLoader {
  return new PluginLoader({
    configDir: file === undefined ? dataDir : path.dirname(file),
    dataDir,
  });
}
