import os from 'node:os';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Hand } from './crew.js';
import { Figures } from './figures.js';
import { TARGETS } from './targets.js';

const USAGE = `npm run fuzz -- [--minutes 5 | --cases N] [--seed N] [--workers N] [--target NAME]

Makes hostile inputs at random and judges what the code does with them. The same seed makes the same
cases, however many workers there are. A case that fails is made smaller and kept in
test/fixtures/fuzz, where a test runs it from then on.
Targets: ${TARGETS.map(({ name }) => name).join(', ')}`;

const CASES_OF_A_BATCH = 200;
const MAX_SEED = 2 ** 31;
const REPORT_MS = 30_000;

/** More failures than these are most likely one failure. */
const MAX_FAILURES = 10;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    cases: { type: 'string' },
    seed: { type: 'string' },
    workers: { type: 'string', default: String(os.availableParallelism()) },
    target: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else process.exitCode = await main();

async function main(): Promise<number> {
  const seed = values.seed === undefined ? randomInt(MAX_SEED) : Number(values.seed);
  const cases = values.cases === undefined ? Infinity : Number(values.cases);
  const minutes = values.minutes === undefined && cases === Infinity ? 5 : Number(values.minutes);
  const turns = TARGETS.filter(({ name }) => [undefined, name].includes(values.target)).flatMap(
    ({ name, weight }) => Array.from({ length: weight }, () => name),
  );
  if (turns.length === 0) throw new Error(`There is no target "${values.target ?? ''}"`);
  console.log(`fuzz: seed ${seed}, ${values.workers} workers`);
  const figures = new Figures();
  let next = 0;
  let started = 0;
  const isOver = (): boolean =>
    started >= cases || figures.seconds >= minutes * 60 || figures.failures >= MAX_FAILURES;
  const work = async (): Promise<void> => {
    const hand = new Hand();
    while (!isOver()) {
      const batch = next;
      next += 1;
      const size = Math.min(CASES_OF_A_BATCH, cases - started);
      started += size;
      const target = turns[batch % turns.length] ?? '';
      figures.add(target, await hand.run(target, (seed + batch * 7919) % MAX_SEED, size));
    }
    await hand.stop();
  };
  const reports = setInterval(() => {
    console.log(figures.line());
  }, REPORT_MS);
  await Promise.all(Array.from({ length: Number(values.workers) }, work));
  clearInterval(reports);
  console.log(figures.summary());
  return figures.failures > 0 ? 1 : 0;
}
