import { existsSync } from 'node:fs';
import { start } from './command.js';
import type { Finished } from './command.js';

const PYTHON = '/usr/bin/python3';
const GLANCE = '/usr/bin/glance';

/**
 * `glance` decides by what stands on its standard input whether data comes from there, so it gets a
 * terminal, as it has under a user's hands.
 */
const ON_A_TERMINAL = `
import os, sys
keeper, terminal = os.openpty()
os.set_inheritable(keeper, True)
os.dup2(terminal, 0)
os.execv(sys.argv[1], sys.argv[1:])
`;

/** Debian's command `glance` (python3-glanceclient) against one server. */
export class GlanceCommand {
  /**
   * @param cloud URL of an Image API that asks for no identity, or the variables that say how to sign in
   * @param home directory of the client's own, where it keeps the schemas that it has fetched
   */
  constructor(
    readonly cloud: string | Readonly<Record<string, string>>,
    readonly home: string,
  ) {
    for (const file of [PYTHON, GLANCE]) {
      if (!existsSync(file)) {
        throw new Error(`${file} is missing: install the Debian package python3-glanceclient`);
      }
    }
  }

  run(...args: readonly string[]): Promise<Finished> {
    // This client knows no `--os-auth-type none`: with an endpoint and any token it asks no
    // identity service.
    const access =
      typeof this.cloud === 'string'
        ? ['--os-image-url', this.cloud, '--os-auth-token', 'none']
        : [];
    const variables = typeof this.cloud === 'string' ? {} : this.cloud;
    return start(PYTHON, ['-c', ON_A_TERMINAL, PYTHON, GLANCE, ...access, ...args], {
      // No other Python than the system's, whatever the shell of the developer prefers.
      env: {
        ...{ PATH: '/usr/bin:/bin', HOME: this.home, COLUMNS: '400', LC_ALL: 'C.UTF-8' },
        ...variables,
      },
    }).finished;
  }

  /** As {@link run}; rejects when the client complains. Answers what it has printed. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(...args);
    if (code !== 0 || err !== '')
      throw new Error(`glance ${args.join(' ')}: ${code}\n${out}${err}`);
    return out;
  }

  /** The table "Property | Value" that a command prints. */
  async properties(...args: readonly string[]): Promise<Readonly<Record<string, string>>> {
    return properties(await this.ok(...args));
  }

  /** The rows of the list that a command prints, by their column titles. */
  async list(...args: readonly string[]): Promise<readonly Readonly<Record<string, string>>[]> {
    const [titles = [], ...rows] = cells(await this.ok(...args));
    return rows.map((row) => Object.fromEntries(titles.map((title, n) => [title, row[n] ?? ''])));
  }
}

/** Reads a table "Property | Value"; what did not fit into one line is joined again. */
export function properties(table: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  let last = '';
  for (const [name = '', value = ''] of cells(table).slice(1)) {
    if (name === '') found[last] = `${found[last] ?? ''}${value}`;
    else {
      last = name;
      found[name] = value;
    }
  }
  return found;
}

function cells(table: string): readonly (readonly string[])[] {
  return table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}
