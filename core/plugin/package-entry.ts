import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What the host reads of a package's `package.json`. */
export interface PackageFacts {
  /** Absolute folder of the package. */
  readonly folder: string;
  readonly version: string;
  /** Absolute path of the file that `import` of the package's name loads; `undefined` if none. */
  readonly entry: string | undefined;
}

/** Conditions that an `import` in Node fulfils, beside `default`. */
const CONDITIONS = new Set(['node', 'import', 'module-sync', 'default']);

/** Finds a package in the `node_modules` of `from` or of a folder above it. */
export function findPackage(name: string, from: string): PackageFacts | undefined {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const found = path.join(folder, 'node_modules', name);
    if (existsSync(path.join(found, 'package.json'))) return readPackage(found);
    if (folder === path.dirname(folder)) return undefined;
  }
}

/**
 * Reads a package's version and entry, by the rules of Node's package resolution: `exports` with its
 * conditions, else `main`, else `index.js`.
 */
export function readPackage(folder: string): PackageFacts {
  const text = readFileSync(path.join(folder, 'package.json'), 'utf8');
  const described = JSON.parse(text) as {
    readonly version?: unknown;
    readonly exports?: unknown;
    readonly main?: unknown;
  };
  const { version, exports, main } = described;
  const target =
    exports === undefined ? (typeof main === 'string' ? main : 'index.js') : ownExport(exports);
  const entry = target === undefined ? undefined : path.resolve(folder, target);
  return {
    folder,
    version: typeof version === 'string' ? version : '',
    entry: entry !== undefined && isInside(folder, entry) ? entry : undefined,
  };
}

function ownExport(exports: unknown): string | undefined {
  const isTable = isRecord(exports) && Object.keys(exports).some((key) => key.startsWith('.'));
  return target(isTable ? exports['.'] : exports);
}

function target(value: unknown): string | undefined {
  if (typeof value === 'string') return value.startsWith('./') ? value : undefined;
  if (Array.isArray(value)) return value.map(target).find((found) => found !== undefined);
  if (!isRecord(value)) return undefined;
  for (const [condition, below] of Object.entries(value)) {
    const found = CONDITIONS.has(condition) ? target(below) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isInside(folder: string, file: string): boolean {
  return file.startsWith(folder + path.sep);
}
