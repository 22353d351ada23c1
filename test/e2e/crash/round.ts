import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ApiClient } from '../../support/api-client.js';
import { violations } from '../../support/invariants.js';
import { spawnServer, startServer } from '../../support/server.js';
import type { TestServer } from '../../support/server.js';
import type { Material, Scenario } from './scenarios.js';

/** How a round ends the server's first life. */
export type Crash =
  | { readonly kind: 'point'; readonly at: string }
  /** Milliseconds after the scenarios have begun. */
  | { readonly kind: 'moment'; readonly afterMs: number };

export interface RoundResult {
  /** Violations of the invariants, and whatever else is not as it should be. */
  readonly faults: readonly string[];
  /** Whether the process died where it was asked to. */
  readonly crashed: boolean;
}

/**
 * Two stores on the staging area's file system, and both ways in which new bytes are made of a qcow2: a
 * file that is adopted, and a stream that is staged.
 */
const configOf = (capacity: string): string => `
log: { level: warn }
staging: { capacity: ${capacity} }
stores:
  - { id: one, driver: filesystem, path: store/one, default: true }
  - { id: two, driver: filesystem, path: store/two }
imports:
  retry: { attempts: 3, backoff: 50 ms }
  methods:
    - glance-direct
    - { name: web-download, config: { allow: [127.0.0.0/8] } }
    - copy-image
  pipeline:
    - stage
    - introspect
    - virtual-size
    - plugin: convert
      id: to-vdi
      config: { output_format: vdi }
      when: { disk_format: [qcow2] }
    - plugin: convert
      id: to-raw
      config: { output_format: raw }
      when: { disk_format: [vdi] }
    - store
`;

/**
 * Lets a server die in the middle of scenarios, starts it again, and holds what it makes of it
 * against the invariants: every import must end by itself, and what did not succeed must succeed
 * when it is asked for again.
 */
export async function crashRound(
  template: Template,
  dataDir: string,
  material: Material,
  crash: Crash,
): Promise<RoundResult> {
  const { scenarios, ids } = template;
  await cp(template.dataDir, dataDir, { recursive: true });
  const config = path.join(dataDir, 'stowage.yaml');
  const acknowledged = new Set<string>();
  const crashed = await firstLife(
    { dataDir, config },
    scenarios,
    material,
    ids,
    acknowledged,
    crash,
  );

  const faults: string[] = [];
  const server = await startServer({ dataDir, config });
  const client = new ApiClient(server.url);
  await client.quiet();
  faults.push(...(await drives(client, scenarios, material, ids, acknowledged)));
  await client.quiet();
  const code = await server.stop();
  if (code !== 0) faults.push(`SIGTERM ended the server with ${code}:\n${server.output()}`);
  if (/"level":"error"|\bERROR\b/.test(server.output())) faults.push(server.output());
  faults.push(...(await violations(dataDir, { acknowledged: kept(acknowledged, scenarios, ids) })));
  return { faults, crashed };
}

/** Milliseconds for what the server does after the last answer, for example to remove files. */
const LATE_WORK = 1_000;

interface Place {
  readonly dataDir: string;
  readonly config: string;
}

/** A data dir in which everything is as it is before the scenarios begin. */
export interface Template {
  readonly dataDir: string;
  readonly scenarios: readonly Scenario[];
  /** One image for each scenario. */
  readonly ids: readonly string[];
}

/**
 * Makes the images that the scenarios start from, once for many rounds.
 * @param capacity of staging, as the configuration says it
 */
export async function prepareTemplate(
  dataDir: string,
  scenarios: readonly Scenario[],
  material: Material,
  capacity: string,
): Promise<Template> {
  await mkdir(dataDir, { recursive: true });
  const file = path.join(dataDir, 'stowage.yaml');
  await writeFile(file, configOf(capacity));
  const server = await startServer({ dataDir, config: file });
  const client = new ApiClient(server.url);
  const ids: string[] = [];
  for (const scenario of scenarios) {
    const id =
      (await scenario.prepare?.(client, material)) ??
      (await client.createImage({ disk_format: scenario.diskFormat })).id;
    ids.push(id);
  }
  await server.stop();
  return { dataDir, scenarios, ids };
}

/** Answers whether the server died as it was asked to. */
async function firstLife(
  place: Place,
  scenarios: readonly Scenario[],
  material: Material,
  ids: readonly string[],
  acknowledged: Set<string>,
  crash: Crash,
): Promise<boolean> {
  const env = crash.kind === 'point' ? { STOWAGE_CRASH_POINT: crash.at } : {};
  const starting = spawnServer({ ...place, env });
  const url = await Promise.race([starting.served, starting.exited]);
  if (typeof url !== 'object') return url === 'SIGKILL';
  const client = new ApiClient(url.url);
  const driving = Promise.allSettled(
    scenarios.map((scenario, index) =>
      scenario.drive(client, material, ids[index] ?? '', acknowledged),
    ),
  );
  if (crash.kind === 'moment') {
    await Promise.race([after(crash.afterMs), starting.exited]);
    await kill(starting);
    await driving;
    return true;
  }
  const died = await Promise.race([
    driving.then(() => after(LATE_WORK)).then(() => false),
    starting.exited.then(() => true),
  ]);
  await kill(starting);
  await driving;
  return died;
}

async function kill(server: Pick<TestServer, 'kill' | 'process'>): Promise<void> {
  if (server.process.exitCode === null && server.process.signalCode === null) await server.kill();
}

/** What is not active yet is asked for again, as its client would. */
async function drives(
  client: ApiClient,
  scenarios: readonly Scenario[],
  material: Material,
  ids: readonly string[],
  acknowledged: Set<string>,
): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    const id = ids[index] ?? '';
    const shown = await client.call('GET', `/v2/images/${id}`);
    if (scenario.name === 'delete') {
      if (shown.status !== 404) await client.call('DELETE', `/v2/images/${id}`);
      continue;
    }
    if (['refused by a rule', 'cancelled'].includes(scenario.name)) continue;
    const { status } = shown.body as { status: string };
    if (!['active', 'queued', 'uploading'].includes(status)) {
      faults.push(`2: ${scenario.name}: image ${id} is "${status}" with nothing under way`);
    }
    if (status === 'active' && scenario.name !== 'copy-image') continue;
    await scenario.drive(client, material, id, acknowledged).catch((error: unknown) => {
      faults.push(`${scenario.name}: asked again: ${String(error)}`);
    });
    const end = await client.image(id);
    if (end.status !== 'active') {
      const [newest] = await client.imports(id);
      faults.push(
        `${scenario.name}: asked again, image ${id} is "${end.status}": ${JSON.stringify(newest)}`,
      );
    }
  }
  return faults;
}

/** Bytes that a rule refuses are dropped; all others that were acknowledged must be there. */
function kept(
  acknowledged: ReadonlySet<string>,
  scenarios: readonly Scenario[],
  ids: readonly string[],
): ReadonlySet<string> {
  const refused = ids[scenarios.findIndex(({ name }) => name === 'refused by a rule')];
  return new Set([...acknowledged].filter((id) => id !== refused));
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
