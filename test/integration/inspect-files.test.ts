import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qcow2Image, withBackingFile } from '../support/images/qcow2.js';
import { inspectFiles } from '../../core/cli/inspect.js';

let folder: string;
let good: string;
let bad: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stowage-inspect-'));
  good = join(folder, 'good.qcow2');
  bad = join(folder, 'bad.qcow2');
  await writeFile(good, qcow2Image());
  await writeFile(bad, qcow2Image({ patch: withBackingFile('/etc/passwd') }));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(files: readonly string[], json: boolean): Promise<[number, readonly string[]]> {
  const lines: string[] = [];
  const code = await inspectFiles(files, { json }, (line) => lines.push(line));
  return [code, lines];
}

describe('inspectFiles', () => {
  it('prints one JSON object on a line for each file and ends with 3 for an unsafe one', async () => {
    const [code, lines] = await run([good, bad], true);
    expect(code).toBe(3);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        file: good,
        format: 'qcow2',
        subformat: 'v3',
        virtual_size: 1048576,
        size: 16384,
        safe: true,
        findings: [],
      }),
      expect.objectContaining({
        file: bad,
        safe: false,
        findings: [
          {
            rule: 'backing-file',
            severity: 'unsafe',
            offset: 8,
            message: 'The image has the backing file "/etc/passwd"',
            hint: 'Flatten it into one file: qemu-img convert -O qcow2 INPUT OUTPUT',
          },
        ],
      }),
    ]);
  });

  it('prints text for people and ends with 0 for a safe file', async () => {
    const [code, lines] = await run([good], false);
    expect(code).toBe(0);
    expect(lines.slice(0, 5)).toEqual([
      good,
      '  format        qcow2 (v3)',
      '  virtual size  1048576 bytes (1 MiB)',
      '  size          16384 bytes (16 KiB)',
      '  safe          yes',
    ]);
  });

  it('says why a file cannot be read, goes on with the others and ends with 1', async () => {
    const missing = join(folder, 'missing.raw');
    const [code, lines] = await run([missing, folder, bad], true);
    expect(code).toBe(1);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { file: missing, error: `Cannot read "${missing}": there is no such file` },
      {
        file: folder,
        error: `Cannot inspect "${folder}": it is neither a file nor a block device`,
      },
      expect.objectContaining({ file: bad, safe: false }),
    ]);
  });
});
