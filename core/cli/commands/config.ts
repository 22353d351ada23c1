import type { Config } from '../../config/config.js';
import { settingsJsonSchema } from '../../config/schema.js';
import { showConfig } from '../../config/show.js';
import type { Terminal } from '../terminal.js';

/** Says that the configuration is good, and where it came from. */
export function checkConfig({ file, dataDir }: Config, terminal: Terminal): void {
  terminal.out(`OK: ${file ?? 'defaults and environment'}, data dir ${dataDir}`);
}

/** Prints the configuration that is in effect as YAML, secrets masked. */
export function printConfig(config: Config, terminal: Terminal): void {
  terminal.out(showConfig(config).trimEnd());
}

/** Prints the JSON Schema of the config file. */
export function printSchema(terminal: Terminal): void {
  terminal.out(JSON.stringify(settingsJsonSchema(), undefined, 2));
}
