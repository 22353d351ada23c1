import { pathToFileURL } from 'node:url';
import { PLUGIN_API_VERSION } from './contract/manifest.js';
import type { PluginManifest } from './contract/manifest.js';
import { ManifestSchema } from './manifest-schema.js';
import { resolvePlugin } from './resolve.js';
import type { PluginOrigin, ResolutionRoots } from './resolve.js';
import { useRunningCopy } from './running-copy.js';
import { joinPath, schemaProblems } from './schema-problems.js';

/** A plugin whose manifest is loaded and has the right shape. */
export interface LoadedPackage {
  /** As config names it. */
  readonly specifier: string;
  readonly origin: PluginOrigin;
  /** Absolute path of the entry file. */
  readonly file: string;
  /** Of the package; empty where it has none. */
  readonly version: string;
  readonly manifest: PluginManifest;
}

/** Why a plugin cannot be loaded. */
export interface LoadProblem {
  /** A file of the plugin; `undefined` where the fault is in the config file. */
  readonly file: string | undefined;
  /** Place in the manifest. */
  readonly path: string;
  readonly problem: string;
  readonly fix: string;
}

export type LoadOutcome =
  | { readonly loaded: LoadedPackage }
  | { readonly loaded: undefined; readonly problems: readonly LoadProblem[] };

/** Versions of the contract that this server can run. */
const SUPPORTED = { oldest: 1, newest: PLUGIN_API_VERSION };

/** Loads plugins by specifier, each once. */
export class PluginLoader {
  readonly #roots: ResolutionRoots;
  readonly #outcomes = new Map<string, Promise<LoadOutcome>>();

  constructor(roots: ResolutionRoots) {
    this.#roots = roots;
  }

  load(specifier: string): Promise<LoadOutcome> {
    const known = this.#outcomes.get(specifier);
    if (known !== undefined) return known;
    const outcome = loadPlugin(specifier, this.#roots);
    this.#outcomes.set(specifier, outcome);
    return outcome;
  }
}

async function loadPlugin(specifier: string, roots: ResolutionRoots): Promise<LoadOutcome> {
  const resolution = resolvePlugin(specifier, roots);
  if (!resolution.found) {
    const { problem, fix } = resolution;
    return failed([{ file: undefined, path: '', problem, fix }]);
  }
  const { origin, file, version } = resolution;
  // Those built in import the contract by its path; on Node 20 the hook starts a thread.
  if (origin !== 'built-in') useRunningCopy();
  let exported: unknown;
  try {
    const loaded = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      readonly default?: unknown;
    };
    exported = loaded.default;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const fix = 'Repair or rebuild the plugin; it must be an ES module whose imports can be found';
    return failed([{ file, path: '', problem: `loading it failed: ${message}`, fix }]);
  }
  const problems = judge(exported, file);
  if (problems.length > 0) return failed(problems);
  // `judge` has just checked the shape; the schema's copy would lose the identity of the classes.
  const manifest = exported as PluginManifest;
  return { loaded: { specifier, origin, file, version, manifest } };
}

function judge(exported: unknown, file: string): readonly LoadProblem[] {
  if (typeof exported !== 'object' || exported === null) {
    const fix = 'Write `export default definePlugin({ … })` in this file';
    return [{ file, path: 'default', problem: 'the default export is no manifest', fix }];
  }
  const { apiVersion } = exported as { readonly apiVersion?: unknown };
  if (typeof apiVersion === 'number' && !isSupported(apiVersion)) {
    const problem = `it is written for version ${apiVersion} of the plugin contract; this server supports ${SUPPORTED.oldest} to ${SUPPORTED.newest}`;
    const fix =
      apiVersion > SUPPORTED.newest
        ? 'Upgrade Stowage, or install an older plugin'
        : 'Upgrade the plugin';
    return [{ file, path: 'apiVersion', problem, fix }];
  }
  const parsed = ManifestSchema.safeParse(exported);
  if (parsed.success) return [];
  return schemaProblems(parsed.error).map(({ path, problem }) => ({
    file,
    path: joinPath('', path),
    problem,
    fix: 'Correct the manifest; docs/plugin-guide.md describes it',
  }));
}

function isSupported(version: number): boolean {
  return Number.isInteger(version) && version >= SUPPORTED.oldest && version <= SUPPORTED.newest;
}

function failed(problems: readonly LoadProblem[]): LoadOutcome {
  return { loaded: undefined, problems };
}
