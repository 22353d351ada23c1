import { InvalidInputError } from '../base/errors.js';

/** One thing that keeps the plugins of a configuration from being used. */
export type PluginFault = {
  /** The plugin, method or store, as config names it. */
  readonly name: string;
  /** The file to look at: the config file or a file of the plugin. */
  readonly file: string;
  /** Place in that file, for example `imports.pipeline[3].config.output_format`. */
  readonly path: string;
  readonly problem: string;
  /** What to do about it. */
  readonly fix: string;
};

/** Everything that is wrong, in one message that is made for a terminal. */
export function faultsError(faults: readonly PluginFault[]): InvalidInputError {
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
  return new InvalidInputError({
    code: 'PLUGINS_INVALID',
    message: [`Cannot use the configured plugins: ${count}`, ...faults.map(describeFault)].join(
      '\n',
    ),
    details: { faults },
  });
}

/** One fault on one line, with its fix on a second one. */
export function describeFault({ name, file, path, problem, fix }: PluginFault): string {
  const where = path === '' ? file : `${file}: ${path}`;
  return `  ${where}: "${name}": ${problem}\n    ${fix}`;
}
