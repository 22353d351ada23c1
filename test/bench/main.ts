/**
 * Measures the built server against what the machine does without a service around it, and against
 * another Image API server. Ratios only: all are taken in turn, round by round, on the same machine.
 *
 *     npm run bench -- --help
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { byteSize } from '../../core/config/types.js';
import { Endpoint } from './endpoint.js';
import { benchFiles } from './files.js';
import { Limit } from './limit.js';
import { FreeMemory } from './memory.js';
import { run } from './native.js';
import { keep, machine, slowerThanBefore, summarised, tableHead, tableRow } from './report.js';
import type { Figures, Result } from './report.js';
import type { Bench, Scenario, Setup } from './scenario.js';
import { CONVERSIONS } from './scenarios/conversions.js';
import { MANY } from './scenarios/many.js';
import { OWN } from './scenarios/own.js';
import { TRANSFERS } from './scenarios/transfers.js';
import { Servers } from './servers.js';
import { withStolen } from './stolen.js';

const SCENARIOS = [...TRANSFERS, ...CONVERSIONS, ...MANY, ...OWN];
const HISTORY = path.join(import.meta.dirname, 'history.jsonl');

const Options = z.object({
  only: z.array(z.string()).optional(),
  rounds: z.coerce.number().int().min(1),
  size: byteSize({ min: 8 * 2 ** 20 }),
  directory: z.string(),
  peer: z.url().optional(),
  peerConvert: z.url().optional(),
  peerToken: z.string().optional(),
  json: z.string().optional(),
  profile: z.string().optional(),
  keep: z.boolean().optional(),
});
type Options = z.output<typeof Options>;

const program = new Command('npm run bench --')
  .description('Measure the built server; every figure is the median of the rounds.')
  .option('--only <TEXT...>', 'scenarios whose name holds one of the texts')
  .option('--rounds <N>', 'rounds of each scenario', '5')
  .option('--size <SIZE>', 'bytes of the large image', '1 GiB')
  .option('--directory <DIR>', 'where data lies meanwhile', tmpdir())
  .option('--peer <URL>', 'another Image API server, to be measured in turn')
  .option('--peer-convert <URL>', 'the same, set up to convert to raw')
  .option('--peer-token <TOKEN>', 'X-Auth-Token for it')
  .option('--json <FILE>', 'write the result there as well')
  .option('--profile <DIR>', 'write CPU profiles there, and print what the event loop waited')
  .option('--keep', `append the result to the history; say first what has become slower`)
  .parse();

async function measured(
  scenario: Scenario,
  bench: Bench,
  own: Endpoint,
  peer: Endpoint | undefined,
  rounds: number,
  memory: FreeMemory,
): Promise<Figures> {
  const figures = { scenario, own: [], stolen: [], peer: [], limit: [] } as {
    scenario: Scenario;
    own: number[];
    stolen: number[];
    peer: number[];
    limit: number[];
  };
  for (let round = 0; round < (scenario.isLong === true ? 1 : rounds); round += 1) {
    await memory.fill();
    const { value, stolen } = await withStolen(() => scenario.measure(own, bench));
    figures.own.push(value);
    figures.stolen.push(stolen);
    if (peer !== undefined) {
      await memory.fill();
      figures.peer.push(await scenario.measure(peer, bench));
    }
    if (scenario.limit !== undefined) {
      await memory.fill();
      figures.limit.push(await scenario.limit(bench));
    }
  }
  return figures;
}

function peerOf(options: Options, { setup, isOwn = false }: Scenario): Endpoint | undefined {
  const urls: Partial<Record<Setup, string | undefined>> = {
    plain: options.peer,
    'no-checksum': options.peer,
    convert: options.peerConvert,
  };
  const url = urls[setup];
  return isOwn || url === undefined ? undefined : new Endpoint('peer', url, options.peerToken);
}

/** What the event loop of the server has waited, as the server itself counts it. */
async function eventLoop(endpoint: Endpoint): Promise<string> {
  const text = await (await fetch(`${endpoint.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => /^\w*eventloop_lag_(?:p50|p99|max)/.test(line));
  return lines.join('  ');
}

const options = Options.parse(program.opts());
const commit = (await run('git', ['rev-parse', '--short', 'HEAD'])).out.trim();
const { only = [''] } = options;
const scenarios = SCENARIOS.filter(({ name }) => only.some((text) => name.includes(text)));
const directory = await mkdtemp(path.join(options.directory, 'stowage-bench-'));
try {
  const files = benchFiles(path.join(directory, 'files'));
  const memory = new FreeMemory(directory);
  const bench: Bench = { limit: new Limit(directory), files, size: options.size };
  const flags =
    options.profile === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${path.resolve(options.profile)}`];
  if (options.profile !== undefined) await mkdir(options.profile, { recursive: true });
  await using servers = new Servers(directory, flags);
  console.log(`${machine()}; commit ${commit}\n\n${tableHead()}`);
  const results: Result[] = [];
  const failed: string[] = [];
  for (const scenario of scenarios) {
    const own = await servers.endpoint(scenario.setup);
    const peer = peerOf(options, scenario);
    try {
      const result = summarised(await measured(scenario, bench, own, peer, options.rounds, memory));
      console.log(tableRow(result));
      results.push(result);
    } catch (error) {
      // The other figures are worth having all the same.
      failed.push(`${scenario.name}: ${error instanceof Error ? error.message : String(error)}`);
      console.log(`${scenario.name}: failed`);
    }
    if (options.profile !== undefined) console.log(`    ${await eventLoop(own)}`);
  }
  const report = {
    at: new Date().toISOString(),
    commit,
    machine: machine(),
    size: options.size,
    rounds: options.rounds,
    results,
  };
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  const slower = await slowerThanBefore(HISTORY, report);
  for (const line of slower) console.log(`slower than before: ${line}`);
  if (options.keep === true) await keep(HISTORY, report);
  for (const line of failed) console.log(`failed: ${line}`);
  process.exitCode = slower.length + failed.length > 0 ? 1 : 0;
} finally {
  await rm(directory, { recursive: true });
}
if (options.profile !== undefined) {
  console.log(`profiles: ${(await readdir(options.profile)).join(' ')}`);
}
