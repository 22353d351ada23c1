import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qcow2File } from '../../support/images.js';
import { FaultSite } from '../../support/faults/site.js';
import { tempDir } from '../../support/temp-dir.js';

const MIB = 1024 * 1024;

const config = (format: string): string => `
log: { level: warn, format: json }
stores: [{ id: one, driver: filesystem, path: store/one }]
imports:
  retry: { attempts: 2, backoff: 100 ms, max_backoff: 200 ms }
  pipeline:
    - stage
    - introspect
    - virtual-size
    - { plugin: convert, config: { output_format: ${format} }, timeout: 5 s }
    - store
`;

let directory: Awaited<ReturnType<typeof tempDir>>;
let bin: string;
let site: FaultSite;
let qcow2: string;

/** A server that finds programs in `bin` before those of the system. */
function siteFor(format: string): Promise<FaultSite> {
  const PATH = `${bin}:${process.env['PATH'] ?? ''}`;
  return FaultSite.open({ config: config(format), env: { PATH } });
}

beforeAll(async () => {
  directory = await tempDir();
  bin = path.join(directory.path, 'bin');
  await mkdir(bin);
  qcow2 = await qcow2File(path.join(directory.path, 'qcow2'), 16 * MIB, 4 * MIB);
  site = await siteFor('vmdk');
});
afterAll(async () => {
  await site.close();
  await site[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** Puts a program before the real one, which does so when its arguments hold a word. */
async function fake(program: string, word: string, does: string): Promise<() => Promise<void>> {
  const file = path.join(bin, program);
  const script = `#!/bin/sh
case "$*" in
  *${word}*) ${does} ;;
  *) exec /usr/bin/${program} "$@" ;;
esac
`;
  await writeFile(file, script);
  await chmod(file, 0o755);
  return () => rm(file);
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
      const mend = await fake('qemu-img', 'convert', convert);
      const id = await site.staged({ disk_format: 'qcow2' }, qcow2);
      const failed = await site.imported(id);
      expect(failed).toMatchObject({ state: 'failed', failure: { ...failure, task: 'convert' } });
      expect(failed.failure?.message).toMatch(message);
      expect(JSON.stringify(failed).length).toBeLessThan(40_000);
      expect(await site.api.image(id)).toMatchObject({ status: 'uploading', disk_format: 'qcow2' });
      await mend();
      expect((await site.imported(id)).state).toBe('succeeded');
      expect(await site.api.image(id)).toMatchObject({
        status: 'active',
        disk_format: 'vmdk',
        virtual_size: 16 * MIB,
      });
    },
  );

  it('that makes something else is not believed, and the bytes are kept', async () => {
    const lie = 'for file; do :; done; head -c 1000 /usr/bin/env > "$file"';
    const mend = await fake('qemu-img', 'convert', lie);
    const id = await site.staged({ disk_format: 'qcow2' }, qcow2);
    expect(await site.imported(id)).toMatchObject({
      state: 'failed',
      failure: { class: 'permanent', code: 'CONVERSION_WRONG', task: 'convert' },
    });
    await mend();
    expect((await site.api.image(id)).status).toBe('uploading');
    expect((await site.imported(id)).state).toBe('succeeded');
  });
});

describe('a qemu-nbd', () => {
  it.each([
    ['that crashes', 'kill -SEGV $$'],
    ['that hangs', 'while :; do sleep 1; done'],
    ['that ends at once', 'exit 0'],
  ])('%s fails the import, keeps the bytes, and they convert with a good one', async (_, does) => {
    await using raw = await siteFor('raw');
    const mend = await fake('qemu-nbd', '', does);
    const id = await raw.staged({ disk_format: 'qcow2' }, qcow2);
    const failed = await raw.imported(id);
    expect(failed).toMatchObject({ state: 'failed', failure: { task: 'convert' } });
    expect(failed.failure?.class).not.toBe('bug');
    expect(failed.failure?.class).not.toBe('rejected');
    expect(await raw.api.image(id)).toMatchObject({ status: 'uploading', disk_format: 'qcow2' });
    await mend();
    expect((await raw.imported(id)).state).toBe('succeeded');
    expect(await raw.api.image(id)).toMatchObject({
      status: 'active',
      disk_format: 'raw',
      size: 16 * MIB,
    });
    await raw.close();
  });
});
