import { randomInt } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../../support/api-client.js';
import { serveFiles } from '../../support/file-server.js';
import type { FileServer } from '../../support/file-server.js';
import { qcow2File, randomFile } from '../../support/images.js';
import { violations } from '../../support/invariants.js';
import { randomOf } from '../../support/random.js';
import { startServer } from '../../support/server.js';
import type { TestServer } from '../../support/server.js';
import { tempDir } from '../../support/temp-dir.js';
import { ACTS } from './acts.js';
import type { Act } from './acts.js';
import { WAYS } from './ways.js';
import type { Material, Way } from './ways.js';

const MIB = 1024 * 1024;
const CONFIG = `
log: { level: error }
stores:
  - { id: one, driver: filesystem, path: store/one, default: true }
  - { id: two, driver: filesystem, path: store/two }
imports:
  methods:
    - glance-direct
    - { name: web-download, config: { allow: [127.0.0.0/8] } }
  pipeline:
    - stage
    - introspect
    - virtual-size
    - plugin: convert
      config: { output_format: raw }
      when: { disk_format: [qcow2] }
    - store
`;
/** Rounds of each act in each way. */
const REPEATS = 2;
/** Rounds that are under way at once. */
const LANES = 6;
/** `STOWAGE_RACE_SEED=… ` repeats the moments of an earlier run. */
const SEED = Number(process.env['STOWAGE_RACE_SEED'] ?? randomInt(2 ** 31));

interface Round {
  readonly way: Way;
  readonly act: Act;
  /** Part of the usual duration of the import after which the act begins. */
  readonly moment: number;
}

let dir: Awaited<ReturnType<typeof tempDir>>;
let dataDir: string;
let server: TestServer;
let web: FileServer;
let api: ApiClient;
let material: Material;

beforeAll(async () => {
  dir = await tempDir();
  dataDir = path.join(dir.path, 'data');
  const files = path.join(dir.path, 'files');
  await mkdir(files);
  web = await serveFiles(files);
  material = {
    raw: await randomFile(path.join(files, 'raw'), 2 * MIB),
    qcow2: await qcow2File(path.join(files, 'qcow2'), 8 * MIB, 2 * MIB),
    web: `${web.url}/`,
  };
  const config = path.join(dir.path, 'stowage.yaml');
  await writeFile(config, CONFIG);
  server = await startServer({ dataDir, config });
  api = new ApiClient(server.url);
});

afterAll(async () => {
  await web[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

/** Every act in every way, `REPEATS` times, in a random order and at random moments. */
function planRounds(random: () => number): readonly Round[] {
  const pairs = WAYS.flatMap((way) => ACTS.map((act) => ({ way, act })));
  return Array.from({ length: REPEATS }, () => pairs)
    .flat()
    .map((pair) => ({ ...pair, moment: random() * 1.2, place: random() }))
    .sort((a, b) => a.place - b.place);
}

/** Runs the jobs, `LANES` at a time. */
async function inLanes<T>(jobs: readonly T[], run: (job: T) => Promise<void>): Promise<void> {
  const waiting = [...jobs];
  const lane = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await run(job);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Milliseconds from the beginning of an import to its end, while others are under way. */
async function usualDurations(): Promise<ReadonlyMap<Way, number>> {
  const durations = new Map<Way, number>();
  await inLanes(WAYS, async (way) => {
    const id = await prepared(way);
    const begun = performance.now();
    await (
      await way.begin(api, id, material)
    ).upload;
    await api.finished(id);
    durations.set(way, performance.now() - begun);
  });
  return durations;
}

async function prepared(way: Way): Promise<string> {
  const { id } = await api.createImage({ disk_format: way.format });
  await way.prepare(api, id, material);
  return id;
}

describe('what a client does at a random moment of a running import', () => {
  it('ends in one of the ways that the design allows, and leaves no orphan', async () => {
    process.stderr.write(`races: STOWAGE_RACE_SEED=${SEED}\n`);
    const durations = await usualDurations();
    const faults: string[] = [];
    const acknowledged = new Set<string>();
    const rounds = planRounds(randomOf(SEED));
    expect(rounds.length).toBeGreaterThanOrEqual(40);
    await inLanes(rounds, async ({ way, act, moment }) => {
      const ms = Math.round((durations.get(way) ?? 0) * moment);
      const told = (fault: string): string => `${act.name}, ${ms} ms into ${way.name}: ${fault}`;
      try {
        const id = await prepared(way);
        const { upload } = await way.begin(api, id, material);
        await after(ms);
        faults.push(...(await act.run({ api, id, way, material, upload })).map(told));
        const remains = (await api.call('GET', `/v2/images/${id}`)).status === 200;
        if (remains) acknowledged.add(id);
      } catch (error) {
        faults.push(told(error instanceof Error ? (error.stack ?? '') : String(error)));
      }
    });
    await api.quiet();
    const code = await server.stop();
    expect(faults, `with STOWAGE_RACE_SEED=${SEED}`).toEqual([]);
    expect(code).toBe(0);
    expect(await violations(dataDir, { acknowledged })).toEqual([]);
    // Nothing of it was unforeseen.
    expect(server.output()).not.toMatch(/"level":"error"|\bERROR\b/);
  });
});
