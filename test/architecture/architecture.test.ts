import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportsOf, findCycle, importsOf, sourceFiles } from './imports.js';
import type { ImportEdge } from './imports.js';

/**
 * The arrows of the house: what each part may import beside itself. `contract` is core/plugin/contract,
 * `rules` core/auth/rules, `api` is core/api.ts, `composition` the files of core that join all parts.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  image: ['base'],
  format: ['base'],
  config: ['base', 'image', 'format', 'rules'],
  contract: ['base', 'image', 'format'],
  api: ['base', 'image', 'format', 'config', 'contract'],
  testing: ['base', 'image', 'format', 'contract'],
  store: ['base', 'contract'],
  staging: ['base', 'format'],
  dataflow: ['base', 'format', 'contract'],
  process: ['base', 'config', 'contract'],
  client: ['base', 'contract'],
  telemetry: ['base', 'config', 'contract'],
  plugin: ['base', 'config', 'image', 'contract', 'api', 'store'],
  rules: ['base'],
  auth: ['base', 'config', 'image', 'rules', 'client', 'telemetry'],
  records: ['base', 'config', 'image', 'contract'],
  engine: [
    ...['base', 'config', 'image', 'format', 'contract', 'store', 'staging', 'dataflow', 'plugin'],
    ...['records', 'auth', 'telemetry'],
  ],
  catalogue: ['base', 'config', 'image', 'auth', 'rules', 'engine', 'records', 'plugin'],
  database: [
    ...['base', 'config', 'image', 'format', 'contract', 'store', 'staging', 'engine', 'records'],
  ],
  notifications: ['base', 'config', 'engine', 'telemetry'],
  http: [
    ...['base', 'config', 'image', 'contract', 'plugin', 'store', 'auth', 'engine', 'records'],
    ...['catalogue', 'rules', 'telemetry'],
  ],
};

/** The floors of the engine, from the top: each stands on those below it and on the nouns beside them. */
const ENGINE_FLOORS = ['service', 'run', 'ending', 'bytes', 'flow'];

/** Frameworks stay where they can be replaced. */
const CONFINED: Readonly<Record<string, RegExp>> = {
  typeorm: /^core\/database\//,
  sqlite3: /^core\/database\//,
  koa: /^core\/http\//,
  '@koa/router': /^core\/http\//,
  commander: /^core\/cli\//,
  pino: /^core\/telemetry\//,
  'prom-client': /^core\/telemetry\//,
  undici: /^core\/cli\//,
  yaml: /^core\/(?:config|cli)\//,
};

/** Composition of the engine names its parts by decorators; plugins are constructed without any. */
const CONTAINER = /^core\/(?:application\.ts|plugin\/construct\.ts|engine\/|http\/|catalogue\/)/;

const files = sourceFiles('core', 'plugins');
const edges = files.flatMap(importsOf);

function partOf(file: string): string {
  const [top, folder, below] = file.split('/');
  if (top !== 'core' || folder === undefined) return 'plugins';
  if (below === undefined) return folder.startsWith('api.') ? 'api' : 'composition';
  if (folder === 'plugin' && below === 'contract') return 'contract';
  if (folder === 'plugin' && below === 'testing') return 'testing';
  if (folder === 'auth' && below === 'rules') return 'rules';
  if (folder === 'engine' && below.startsWith('import.')) return 'records';
  return folder;
}

/** Counted from the top; the nouns of the engine are below all floors. */
function floorOf(file: string): number | undefined {
  const [, folder] = /^core\/engine\/(?:(\w+)\/)?[^/]+$/.exec(file) ?? [];
  if (!file.startsWith('core/engine/')) return undefined;
  return folder === undefined ? ENGINE_FLOORS.length : ENGINE_FLOORS.indexOf(folder);
}

function shown({ from, to }: ImportEdge): string {
  return `${from} imports ${to}`;
}

describe('the architecture', () => {
  it('has arrows that point down only', () => {
    const wrong = edges.filter(({ from, to, isPackage }) => {
      const [part, other] = [partOf(from), partOf(to)];
      if (isPackage || part === other || part === 'plugins') return false;
      // What joins all parts may import each of them, but no plugin.
      if (part === 'composition' || part === 'cli') return other === 'plugins';
      return ARROWS[part]?.includes(other) !== true;
    });
    expect(wrong.map(shown)).toEqual([]);
  });

  it('has an engine whose floors stand on lower ones only', () => {
    const wrong = edges.filter(({ from, to }) => {
      const [upper, lower] = [floorOf(from), floorOf(to)];
      const joinsAll = /^core\/engine\/engine\.(?:module\.)?ts$/.test(from);
      return upper !== undefined && lower !== undefined && !joinsAll && lower < upper;
    });
    expect(wrong.map(shown)).toEqual([]);
  });

  it('has no cycles', () => {
    expect(findCycle(edges)).toBeUndefined();
  });

  it('gives plugins core/api.ts, Node and libraries, and not each other', () => {
    const wrong = edges.filter(({ from, to, isPackage }) => {
      if (partOf(from) !== 'plugins') return false;
      if (isPackage) return to in CONFINED || to === 'inversify' || to === 'reflect-metadata';
      const own = from.split('/').slice(0, 2).join('/');
      return to !== 'core/api.js' && !to.startsWith(`${own}/`);
    });
    expect(wrong.map(shown)).toEqual([]);
  });

  it('keeps frameworks in one place each', () => {
    const wrong = edges.filter(({ from, to, isPackage }) => {
      if (!isPackage) return false;
      const place = to === 'inversify' ? CONTAINER : CONFINED[to];
      return place !== undefined && !place.test(from);
    });
    expect(wrong.map(shown)).toEqual([]);
  });

  it('imports only packages that are installed with it', () => {
    const manifest = JSON.parse(
      readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'),
    ) as { readonly dependencies: Readonly<Record<string, string>> };
    const wrong = edges.filter(
      ({ to, isPackage }) => isPackage && !to.startsWith('node:') && !(to in manifest.dependencies),
    );
    expect(wrong.map(shown)).toEqual([]);
  });

  it('has the public surface that is committed in api-surface.txt', () => {
    const file = path.join(import.meta.dirname, 'api-surface.txt');
    const committed = readFileSync(file, 'utf8').trim().split('\n');
    const found = [...exportsOf('core/api.ts')];
    expect(
      found,
      `core/api.ts changed what plugins see. If that is meant, write these names into ${file}:\n${found.join('\n')}\n`,
    ).toEqual(committed);
  });
});

describe('findCycle', () => {
  it('finds the files of a cycle', () => {
    const chain = ['a', 'b', 'c', 'b'].map((name) => `${name}.ts`);
    const made = chain
      .slice(1)
      .map((to, at): ImportEdge => ({ from: chain[at] ?? '', to, isPackage: false }));
    expect(findCycle(made)).toEqual(['b', 'c', 'b']);
    expect(findCycle(made.slice(0, 2))).toBeUndefined();
  });
});
