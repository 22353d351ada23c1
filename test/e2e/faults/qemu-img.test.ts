import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qcow2File } from '../../support/images.js';
import { FaultSite } from '../../support/faults/site.js';
import { tempDir } from '../../support/temp-dir.js';

const MIB = 1024 * 1024;

const CONFIG = `
log: { level: warn, format: json }
stores: [{ id: one, driver: filesystem, path: store/one }]
imports:
  retry: { attempts: 2, backoff: 100 ms, max_backoff: 200 ms }
  pipeline:
    - stage
    - introspect
    - virtual-size
    - { plugin: convert, config: { output_format: raw }, timeout: 5 s }
    - store
`;

let directory: Awaited<ReturnType<typeof tempDir>>;
let site: FaultSite;
let qcow2: string;
let program: string;

beforeAll(async () => {
  directory = await tempDir();
  const bin = path.join(directory.path, 'bin');
  await mkdir(bin);
  program = path.join(bin, 'qemu-img');
  qcow2 = await qcow2File(path.join(directory.path, 'qcow2'), 16 * MIB, 4 * MIB);
  site = await FaultSite.open({
    config: CONFIG,
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` },
  });
});
afterAll(async () => {
  await site.close();
  await site[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** Puts a program before the real one that measures as it does, and converts so. */
async function fake(convert: string): Promise<void> {
  const script = `#!/bin/sh
case "$*" in
  *convert*) ${convert} ;;
  *) exec /usr/bin/qemu-img "$@" ;;
esac
`;
  await writeFile(program, script);
  await chmod(program, 0o755);
}

describe('a qemu-img', () => {
  const faults: [string, string, object, RegExp][] = [
    ['that crashes', 'kill -SEGV $$', { code: 'PROGRAM_FAILED' }, /SIGSEGV/],
    [
      'that fails',
      'echo "qemu-img: no such luck" >&2; exit 1',
      { code: 'PROGRAM_FAILED' },
      /no such luck/,
    ],
    ['that hangs', 'while :; do sleep 1; done', { code: 'TASK_TIMEOUT' }, /did not end within 5 s/],
    [
      'that hangs and ignores signals',
      "trap '' TERM INT HUP; while :; do sleep 1; done",
      { code: 'TASK_TIMEOUT' },
      /did not end within 5 s/,
    ],
    [
      'that floods its standard error',
      'head -c 200000000 /dev/zero | tr "\\\\0" x >&2; exit 1',
      { code: 'PROGRAM_FAILED' },
      /exit code 1/,
    ],
    [
      'that writes beyond its limit',
      'for file; do :; done; exec dd if=/dev/zero of="$file" bs=1M count=4096',
      { code: 'PROGRAM_LIMIT' },
      /bytes for one file/,
    ],
  ];

  it.each(faults)(
    '%s fails the import, keeps the bytes, and they convert with a good one',
    async (_, convert, failure, message) => {
      await fake(convert);
      const id = await site.staged({ disk_format: 'qcow2' }, qcow2);
      const failed = await site.imported(id);
      expect(failed).toMatchObject({ state: 'failed', failure: { ...failure, task: 'convert' } });
      expect(failed.failure?.message).toMatch(message);
      expect(JSON.stringify(failed).length).toBeLessThan(40_000);
      expect(await site.api.image(id)).toMatchObject({ status: 'uploading', disk_format: 'qcow2' });
      await rm(program);
      expect((await site.imported(id)).state).toBe('succeeded');
      expect(await site.api.image(id)).toMatchObject({
        status: 'active',
        disk_format: 'raw',
        size: 16 * MIB,
      });
    },
  );

  it('that lies about the result cannot make it active', async () => {
    await fake('for file; do :; done; head -c 1000 /usr/bin/qemu-img > "$file"');
    const id = await site.staged({ disk_format: 'qcow2' }, qcow2);
    const { state } = await site.imported(id);
    await rm(program, { force: true });
    expect(state).toBe('failed');
    expect((await site.api.image(id)).status).toBe('uploading');
    expect((await site.imported(id)).state).toBe('succeeded');
  });
});
