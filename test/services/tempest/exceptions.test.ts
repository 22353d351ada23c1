import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../support/command.js';
import { readExceptions, surprises } from './exceptions.js';
import { resultsIn } from './results.js';

const LIST = '{0} tempest.ListTest.test_list[id-1] [0.1s] ... ok';
const CACHE = '{1} setUpClass (tempest.CacheTest) ... SKIPPED: no cache';

it('names every exception of Tempest in the document, with its reason', async () => {
  const document = await readFile(path.join(ROOT, 'docs/compatibility.md'), 'utf8');
  const missing = (await readExceptions()).filter(
    ({ reason }) => !document.includes(`\`${reason}\``),
  );
  expect(missing).toEqual([]);
});

it('tells of tests that end otherwise than they should, and of exceptions that nothing needs', () => {
  const cache = { test: 'CacheTest', outcome: 'skipped', reason: 'cache' } as const;
  const results = resultsIn([LIST, CACHE, '', 'Totals'].join('\n'));
  expect(results.map(({ outcome }) => outcome)).toEqual(['passed', 'skipped']);
  expect(surprises(results, [cache], 'all')).toEqual([]);
  expect(surprises(results, [], 'all')).toHaveLength(1);
  expect(surprises(results, [{ ...cache, test: 'List' }], 'some')).toHaveLength(2);
  expect(surprises(results.slice(0, 1), [cache], 'all')).toHaveLength(1);
  expect(surprises(resultsIn(LIST.replace('ok', 'FAILED')), [], 'some')).toHaveLength(1);
});
