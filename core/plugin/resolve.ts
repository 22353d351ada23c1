import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPackage, readPackage } from './package-entry.js';
import { parseSpecifier } from './specifier.js';

export type PluginOrigin = 'built-in' | 'package' | 'path';

/** Where the code of a plugin is, or why it is not found. */
export type Resolution =
  | {
      readonly found: true;
      readonly origin: PluginOrigin;
      /** Absolute path of the file whose default export is the manifest. */
      readonly file: string;
      /** Of the package that holds it; empty where there is none. */
      readonly version: string;
    }
  | { readonly found: false; readonly problem: string; readonly fix: string };

/** Folders that specifiers are resolved from. */
export interface ResolutionRoots {
  /** Absolute folder of the config file; that of paths, and the first one for packages. */
  readonly configDir: string;
  /** Absolute. */
  readonly dataDir: string;
}

const BUILT_IN_DIR = fileURLToPath(new URL('../../plugins/', import.meta.url));
const OWN_DIR = fileURLToPath(new URL('.', import.meta.url));

/** Finds the entry file of a plugin; packages in config folder, data dir and own install. */
export function resolvePlugin(specifier: string, roots: ResolutionRoots): Resolution {
  const parsed = parseSpecifier(specifier);
  switch (parsed.kind) {
    case 'built-in':
      return resolveBuiltIn(parsed.name);
    case 'package':
      return resolvePackage(parsed.name, roots);
    case 'path':
      return resolvePath(path.resolve(roots.configDir, parsed.path));
    case 'invalid':
      return {
        found: false,
        problem: 'is no plugin specifier',
        fix: 'Write a built-in name, "@scope/package", "npm:package" or "./path"',
      };
  }
}

/** Names of the built-in plugins, sorted. */
export function builtInNames(): readonly string[] {
  return readdirSync(BUILT_IN_DIR)
    .filter((name) => builtInFile(name) !== undefined)
    .sort();
}

function resolveBuiltIn(name: string): Resolution {
  const file = builtInFile(name);
  if (file !== undefined) return { found: true, origin: 'built-in', file, version: ownVersion() };
  return {
    found: false,
    problem: 'no built-in plugin has this name',
    fix: `Built in are ${builtInNames().join(', ')}; an installed package is written "npm:${name}"`,
  };
}

/** The name of the compiled file holds for the sources too: their loader finds the `.ts` by it. */
function builtInFile(name: string): string | undefined {
  const folder = path.join(BUILT_IN_DIR, name);
  const exists = ['index.js', 'index.ts'].some((file) => existsSync(path.join(folder, file)));
  return exists ? path.join(folder, 'index.js') : undefined;
}

function resolvePackage(name: string, { configDir, dataDir }: ResolutionRoots): Resolution {
  for (const root of [configDir, dataDir, OWN_DIR]) {
    const found = findPackage(name, root);
    if (found === undefined) continue;
    if (found.entry !== undefined && existsSync(found.entry)) {
      return { found: true, origin: 'package', file: found.entry, version: found.version };
    }
    return {
      found: false,
      problem: `${path.join(found.folder, 'package.json')} names no entry file that exists`,
      fix: 'Point its "exports" or "main" at the file with the manifest, and build the package',
    };
  }
  return {
    found: false,
    problem: 'the package is not installed',
    fix: `Install it: npm install --prefix ${configDir} ${name}`,
  };
}

function resolvePath(target: string): Resolution {
  const stats = statSync(target, { throwIfNoEntry: false });
  if (stats?.isFile()) return { found: true, origin: 'path', file: target, version: '' };
  if (stats?.isDirectory()) {
    const described = existsSync(path.join(target, 'package.json'));
    const { entry, version } = described
      ? readPackage(target)
      : { entry: path.join(target, 'index.js'), version: '' };
    if (entry !== undefined && existsSync(entry)) {
      return { found: true, origin: 'path', file: entry, version };
    }
  }
  return {
    found: false,
    problem: `there is no plugin at ${target}`,
    fix: 'Paths start at the folder of the config file and name a file, or a folder with an index.js or a package.json',
  };
}

function ownVersion(): string {
  for (let folder = OWN_DIR; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return readPackage(folder).version;
  }
  return '';
}
