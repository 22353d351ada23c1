import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { tempDir } from '../support/temp-dir.js';

const MIB = 1024 * 1024;
const script = path.join(import.meta.dirname, '../support/pass-rounds.ts');

async function passRounds(...args: string[]): Promise<{ peak: number; sizes: number[] }> {
  await using dir = await tempDir();
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--import', 'tsx', script, dir.path],
    ...args,
  ]);
  return JSON.parse(stdout) as { peak: number; sizes: number[] };
}

it('ThreadedDataflow does not keep a process alive that has nothing to do', async () => {
  const { sizes } = await passRounds('1', '2');
  expect(sizes).toEqual([2 * MIB]);
});

it('ThreadedDataflow takes eight images at once in less than 300 MiB of memory', async () => {
  const { peak, sizes } = await passRounds('8', '64');
  expect(sizes).toEqual(Array.from({ length: 8 }, () => 64 * MIB));
  expect(peak).toBeLessThan(300 * MIB);
});
