import { InvalidInputError } from '../base/errors.js';

/** A command that cannot be carried out as it was typed. */
export function usageError(message: string, hint: string): InvalidInputError {
  return new InvalidInputError({ code: 'USAGE', message, hint });
}

/** Reads `KEY=VALUE` arguments. @throws {InvalidInputError} `USAGE` */
export function keyValues(
  pairs: readonly string[],
  option: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) {
        throw usageError(`"${option} ${pair}" has no key`, `Write ${option} KEY=VALUE`);
      }
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** Reads `Name: value` arguments. @throws {InvalidInputError} `USAGE` */
export function headerLines(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) {
        throw usageError(`"--header ${line}" is no HTTP header`, 'Write --header "Name: value"');
      }
      return [name.toLowerCase(), value];
    }),
  );
}
