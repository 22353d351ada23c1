import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MAIN = path.resolve(import.meta.dirname, '../fuzz/main.ts');

/** Two minutes on two idle cores. */
const TIMEOUT = 1_800_000;

it(
  'no one of 100 000 hostile inputs breaks a promise of the inspectors',
  { timeout: TIMEOUT },
  async () => {
    const args = ['--import', 'tsx', MAIN, '--cases', '100000', '--seed', '2026'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIMEOUT });
    console.log(stdout.trim().split('\n').slice(-4).join('\n'));
    expect(stdout).toMatch(/fuzz: 100000 cases .* 0 failures/);
  },
);
