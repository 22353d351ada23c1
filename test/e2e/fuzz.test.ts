import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MAIN = path.resolve(import.meta.dirname, '../fuzz/main.ts');

/** Half a minute on two idle cores; `npm run fuzz` goes on as long as it is told. */
const CASES = 25_000;
const TIMEOUT = 1_800_000;

it(
  `no one of ${CASES} hostile inputs breaks a promise of the inspectors`,
  { timeout: TIMEOUT },
  async () => {
    const args = ['--import', 'tsx', MAIN, '--cases', String(CASES), '--seed', '2026'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIMEOUT });
    console.log(stdout.trim().split('\n').slice(-4).join('\n'));
    expect(stdout).toMatch(new RegExp(`fuzz: ${CASES} cases .* 0 failures`));
  },
);
