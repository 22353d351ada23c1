import { InvalidInputError } from '../base/errors.js';

/** A place in the settings: keys and list positions from the outermost inwards. */
export type SettingsPath = readonly (string | number)[];

/** One thing that is wrong with the configuration. */
export interface Problem {
  readonly path: SettingsPath;
  /** What is wrong, with the value found. */
  readonly message: string;
  /** What to write instead. */
  readonly hint?: string;
  /** Where the value was written: `FILE:LINE:COLUMN`, `environment NAME`, `flag --port`. */
  readonly origin?: string;
}

/** Everything that is wrong with a configuration, at once. Its message is made for a terminal. */
export class ConfigError extends InvalidInputError {
  readonly problems: readonly Problem[];

  constructor(source: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    super({
      code: 'CONFIG_INVALID',
      message: [`Cannot use ${source}: ${count}`, ...problems.map(describeProblem)].join('\n'),
      details: {
        problems: problems.map(({ path, message, hint, origin }) => ({
          path: formatPath(path),
          message,
          hint,
          origin,
        })),
      },
    });
    this.problems = problems;
  }
}

/** One problem on one line, with its fix on a second one. */
export function describeProblem({ path, message, hint, origin }: Problem): string {
  const where = [origin, formatPath(path)].filter((part) => part !== undefined && part !== '');
  const line = `  ${where.join(' ')}${where.length > 0 ? ': ' : ''}${message}`;
  return hint === undefined ? line : `${line}\n    ${hint}`;
}

/** Writes a path the way people do: `imports.pipeline[3].config`. */
export function formatPath(path: SettingsPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}
