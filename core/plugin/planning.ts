import type { z } from 'zod';
import type { JsonObject } from '../base/json.js';
import type { Condition, Config, PipelineEntry, StoreConfig } from '../config/config.js';
import type { ImportMethod, StoreDriver } from './contract/manifest.js';
import type { PluginFault } from './fault.js';
import { judgeConfig } from './judge-config.js';
import type { LoadedPackage, PluginLoader } from './load.js';
import { builtInNames } from './resolve.js';
import { joinPath } from './schema-problems.js';

export interface PlannedPipeline {
  readonly when: Condition | undefined;
  readonly tasks: readonly PlannedTask[];
}

export interface PlannedTask {
  readonly entry: PipelineEntry;
  readonly loaded: LoadedPackage;
  readonly config: unknown;
  readonly frozen: JsonObject;
}

export interface PlannedMethod {
  readonly definition: ImportMethod;
  readonly loaded: LoadedPackage;
  readonly config: unknown;
}

export interface PlannedStore {
  readonly store: StoreConfig;
  readonly definition: StoreDriver;
  readonly loaded: LoadedPackage;
  readonly config: unknown;
}

/** What the parts of the planning share. */
export class Planning {
  readonly faults: PluginFault[] = [];
  readonly #specifiers = new Set<string>(builtInNames());

  constructor(
    readonly config: Config,
    private readonly loader: PluginLoader,
  ) {}

  /** Loads a plugin that stands at `path` of the config file, or records why it cannot. */
  async load(specifier: string, path: string): Promise<LoadedPackage | undefined> {
    this.#specifiers.add(specifier);
    const outcome = await this.loader.load(specifier);
    if (outcome.loaded !== undefined) return outcome.loaded;
    for (const { file, path: inside, problem, fix } of outcome.problems) {
      const place = file === undefined ? this.here(path) : { file, path: inside };
      this.#addOnce({ name: specifier, ...place, problem, fix });
    }
    return undefined;
  }

  /** Applies a plugin's schema, or records every problem with its path. */
  judge(
    name: string,
    loaded: LoadedPackage,
    schema: z.ZodType | undefined,
    raw: JsonObject,
    path: string,
  ): { readonly config: unknown; readonly frozen: JsonObject } | undefined {
    const judged = judgeConfig(schema, raw);
    if (judged.valid) return judged;
    for (const { path: inside, problem, fix } of judged.problems) {
      if (judged.blame === 'config') {
        this.add(name, joinPath(path, inside), problem, fix);
      } else {
        this.#addOnce({ name, file: loaded.file, path: joinPath('config', inside), problem, fix });
      }
    }
    return undefined;
  }

  /** Records a fault of the configuration. */
  add(name: string, path: string, problem: string, fix: string): void {
    this.#addOnce({ name, ...this.here(path), problem, fix });
  }

  here(path: string): { readonly file: string; readonly path: string } {
    return { file: this.config.file ?? 'built-in defaults', path };
  }

  /** Everything loaded so far, by file; those that config names before the rest. */
  async packages(): Promise<readonly LoadedPackage[]> {
    const byFile = new Map<string, LoadedPackage>();
    for (const specifier of this.#specifiers) {
      const { loaded } = await this.loader.load(specifier);
      if (loaded !== undefined && !byFile.has(loaded.file)) byFile.set(loaded.file, loaded);
    }
    return [...byFile.values()];
  }

  #addOnce(fault: PluginFault): void {
    const isKnown = this.faults.some(
      ({ file, path, problem }) =>
        file === fault.file && path === fault.path && problem === fault.problem,
    );
    if (!isKnown) this.faults.push(fault);
  }
}
