import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Result } from './results.js';

/** Tests that do not pass, and why. */
const Exceptions = z.array(
  z.strictObject({
    /** Regular expression over the names of tests. */
    test: z.string(),
    outcome: z.enum(['not run', 'skipped', 'failed']),
    /** As `docs/compatibility.md` names it. */
    reason: z.string(),
  }),
);
export type Exceptions = z.output<typeof Exceptions>;

export async function readExceptions(): Promise<Exceptions> {
  const file = path.join(import.meta.dirname, 'exceptions.yaml');
  return Exceptions.parse(parse(await readFile(file, 'utf8')));
}

/** What is not as the exceptions say, one line for each; a run of some tests needs not every row. */
export function surprises(
  results: readonly Result[],
  exceptions: Exceptions,
  run: 'all' | 'some',
): readonly string[] {
  const needed = new Set<string>();
  const found = results.flatMap(({ test, outcome, detail }) => {
    const exception = exceptions.find((row) => new RegExp(row.test).test(test));
    if (exception !== undefined) needed.add(exception.test);
    const expected = exception?.outcome ?? 'passed';
    return outcome === expected ? [] : [`${test} has ${outcome}, expected ${expected} ${detail}`];
  });
  const idle = exceptions.filter(
    ({ test, outcome }) => run === 'all' && outcome !== 'not run' && !needed.has(test),
  );
  return [...found, ...idle.map(({ test }) => `No test needs the exception "${test}"`)];
}
