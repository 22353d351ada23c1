import { parse } from 'yaml';
import type { Problem, SettingsPath } from './problem.js';
import { valueAt } from './issues.js';
import { settingsJsonSchema } from './schema.js';
import { DEFAULT_PIPELINE } from './settings.js';

/** One value that stands above the file: from the environment or from a flag. */
export interface Overlay {
  readonly path: SettingsPath;
  readonly value: unknown;
  /** `environment STOWAGE__SERVER__PORT`, `flag --port`. */
  readonly origin: string;
}

const PREFIX = 'STOWAGE__';

/**
 * Reads `STOWAGE__STORES__0__PATH=fast` as `stores[0].path`. Values are YAML, so lists and mappings
 * can be written in their short form; an empty value counts as unset.
 */
export function environmentOverlays(env: Readonly<Record<string, string | undefined>>): {
  readonly overlays: readonly Overlay[];
  readonly problems: readonly Problem[];
} {
  const overlays: Overlay[] = [];
  const problems: Problem[] = [];
  for (const [name, text] of Object.entries(env).sort(byName)) {
    if (!name.startsWith(PREFIX) || text === undefined || text.trim() === '') continue;
    const path = name
      .slice(PREFIX.length)
      .toLowerCase()
      .split('__')
      .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    const origin = `environment ${name}`;
    try {
      overlays.push({ path, value: parse(text), origin });
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
      problems.push({ path, message: `the value is not YAML: ${reason ?? ''}`, origin });
    }
  }
  return { overlays, problems };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

type Container = Record<string | number, unknown>;

/**
 * Sets one value in `tree`, in place. Lists that the tree does not have begin as their default, and
 * a short form on the way (`- convert`) becomes the long one.
 * @returns what is wrong with the path, or `undefined`
 */
export function applyOverlay(tree: Container, overlay: Overlay): Problem | undefined {
  const { path, value, origin } = overlay;
  let container = tree;
  for (const [depth, part] of path.entries()) {
    if (Array.isArray(container) && (typeof part !== 'number' || part > container.length)) {
      const message = `the list has ${container.length} entries, so "${part}" is no place in it`;
      return { path: path.slice(0, depth + 1), message, origin };
    }
    if (depth === path.length - 1) {
      container[part] = value;
      return undefined;
    }
    const here = path.slice(0, depth + 1);
    const next = longForm(here, container[part] ?? defaultAt(here, tree));
    if (typeof next !== 'object' || next === null) {
      const message = `is a single value, so it has no "${String(path[depth + 1])}"`;
      return { path: here, message, origin };
    }
    container[part] = next;
    container = next as Container;
  }
  return undefined;
}

function longForm(path: SettingsPath, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const [section, list] = [path.at(-1), path.at(-2)];
  if (path.length === 1 && section === 'auth') return { mode: value };
  if (list === 'methods') return { name: value };
  if (list === 'pipeline' || list === 'tasks') return { plugin: value };
  return value;
}

function defaultAt(path: SettingsPath, tree: Container): unknown {
  const [section, key] = path;
  if (path.length === 2 && section === 'imports' && key === 'pipeline') {
    return valueAt(tree, ['imports', 'pipelines']) === undefined ? [...DEFAULT_PIPELINE] : [];
  }
  let node = settingsJsonSchema().properties?.[String(section)];
  if (path.length === 2) node = node?.properties?.[String(key)];
  const lists = path.length <= 2 && Array.isArray(node?.default);
  return lists ? structuredClone(node?.default) : {};
}
