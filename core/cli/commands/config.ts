import type { Config } from '../../config/config.js';
import { settingsJsonSchema } from '../../config/schema.js';
import { showConfig } from '../../config/show.js';
import { faultsError } from '../../plugin/fault.js';
import type { Terminal } from '../terminal.js';

/**
 * Says that a server would start with the configuration and the plugins that it lists, and where it
 * came from.
 * @throws {InvalidInputError} with every fault of the plugins
 */
export async function checkConfig(config: Config, terminal: Terminal): Promise<void> {
  const { planPlugins } = await import('../../plugin/plan.js');
  const { faults } = await planPlugins(config);
  if (faults.length > 0) throw faultsError(faults);
  terminal.out(`OK: ${config.file ?? 'defaults and environment'}, data dir ${config.dataDir}`);
}

/** Prints the configuration that is in effect as YAML, secrets masked. */
export function printConfig(config: Config, terminal: Terminal): void {
  terminal.out(showConfig(config).trimEnd());
}

/** Prints the JSON Schema of the config file. */
export function printSchema(terminal: Terminal): void {
  terminal.out(JSON.stringify(settingsJsonSchema(), undefined, 2));
}
