import path from 'node:path';
import { compileConfig } from './compile.js';
import type { Config } from './config.js';
import { applyOverlay, environmentOverlays } from './overlay.js';
import type { Overlay } from './overlay.js';
import { parseSettings } from './parse.js';
import { ConfigError } from './problem.js';
import type { Problem, SettingsPath } from './problem.js';
import { readYamlFile } from './yaml-file.js';
import type { YamlFile } from './yaml-file.js';

/** Settings that the command line can give; `undefined`: not given. */
export interface ConfigFlags {
  readonly dataDir?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

export interface ConfigSources {
  /** Path of the YAML file, relative to `cwd`; `undefined`: none. */
  readonly file?: string | undefined;
  /** @default the process's own */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly flags?: ConfigFlags;
  /** @default the process's own */
  readonly cwd?: string;
  /** Decides what `log.format: auto` means. @default whether standard error is a terminal */
  readonly isTerminal?: boolean;
}

/**
 * Reads the configuration: defaults, then the file, then `STOWAGE__…` of the environment, then
 * flags. Knows nothing of plugins: their parts are judged when they are loaded.
 * @throws {ConfigError} with every problem at once
 */
export function loadConfig(sources: ConfigSources = {}): Config {
  const { env = process.env, flags = {}, cwd = process.cwd() } = sources;
  const file = sources.file === undefined ? undefined : path.resolve(cwd, sources.file);
  const yaml = file === undefined ? undefined : readYamlFile(file);
  const environment = environmentOverlays(env);
  const overlays = [...environment.overlays, ...flagOverlays(flags)];

  const raw = structuredClone(yaml?.settings ?? {}) as Record<string, unknown>;
  const misplaced = overlays.flatMap((overlay) => applyOverlay(raw, overlay) ?? []);
  const parsed = parseSettings(raw);
  const problems = [
    ...environment.problems,
    ...misplaced,
    ...('problems' in parsed
      ? parsed.problems.map((problem) => locate(problem, overlays, yaml))
      : []),
  ];
  if (problems.length > 0 || !('settings' in parsed)) {
    throw new ConfigError(file === undefined ? 'the configuration' : `"${file}"`, problems);
  }
  const isOverlaid = overlays.some((overlay) => overlay.path[0] === 'data_dir');
  const base = file === undefined || isOverlaid ? cwd : path.dirname(file);
  return compileConfig(parsed.settings, {
    file,
    dataDir: path.resolve(
      yaml?.settings['data_dir'] === undefined ? cwd : base,
      parsed.settings.data_dir,
    ),
    isTerminal: sources.isTerminal ?? process.stderr.isTTY,
  });
}

function flagOverlays({ dataDir, host, port }: ConfigFlags): readonly Overlay[] {
  const all: readonly Overlay[] = [
    { path: ['data_dir'], value: dataDir, origin: 'flag --data-dir' },
    { path: ['server', 'host'], value: host, origin: 'flag --host' },
    { path: ['server', 'port'], value: port, origin: 'flag --port' },
  ];
  return all.filter(({ value }) => value !== undefined);
}

/** Says where the value was written: the overlay that stands above the file, or the place in it. */
function locate(
  problem: Problem,
  overlays: readonly Overlay[],
  yaml: YamlFile | undefined,
): Problem {
  if (problem.origin !== undefined) return problem;
  const overlay = overlays.findLast(({ path: place }) => isWithin(problem.path, place));
  const origin = overlay?.origin ?? yaml?.position(problem.path);
  return origin === undefined ? problem : { ...problem, origin };
}

function isWithin(inner: SettingsPath, outer: SettingsPath): boolean {
  return outer.every((part, depth) => inner[depth] === part);
}
