import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectPath } from '../../plugins/filesystem/object-path.js';
import { ApiClient } from '../support/api-client.js';
import { randomFile } from '../support/images.js';
import { startServer } from '../support/server.js';
import { tempDir } from '../support/temp-dir.js';

/**
 * SIGKILL leaves the page cache as it is, so it cannot show a missing flush. The order of system
 * calls can: what a row says to be durable must have been flushed before the row was.
 */
const CALLS = 'openat,fdatasync,fsync,link,linkat,rename,unlink,unlinkat,copy_file_range';
const MIB = 1024 * 1024;

let directory: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  directory = await tempDir();
});
afterAll(async () => {
  await directory[Symbol.asyncDispose]();
});

interface Call {
  readonly name: string;
  /** Path of the file, resolved by strace from its descriptor where there is one. */
  readonly text: string;
}

async function traced(
  scenario: (client: ApiClient, dataDir: string) => Promise<void>,
): Promise<readonly Call[]> {
  const dataDir = path.join(directory.path, `data-${Math.random().toString(36).slice(2)}`);
  const log = `${dataDir}.strace`;
  const filter = ['-e', `trace=${CALLS}`, '-e', 'signal=none'];
  const server = await startServer({
    dataDir,
    // -D: the server is the child that gets our signals. --seccomp-bpf: other calls run at full speed.
    under: ['strace', '-D', '-f', '-y', '-qq', '--seccomp-bpf', ...filter, '-o', log],
  });
  await scenario(new ApiClient(server.url), dataDir);
  await server.stop();
  const lines = (await readFile(log, 'utf8')).split('\n');
  return lines.flatMap((line) => {
    // With several threads a slow call is shown when it begins and when it ends: its end counts.
    const match = /^\d+\s+(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)$/.exec(line);
    if (match === null) return [];
    const [, name = '', text = ''] = match;
    return [{ name, text: text.replaceAll(dataDir, '') }];
  });
}

/** Place of the first call that matches behind `from`; −1 where there is none. */
function indexOf(calls: readonly Call[], names: readonly string[], text: RegExp, from = 0): number {
  return calls.findIndex(
    (call, index) => index >= from && names.includes(call.name) && text.test(call.text),
  );
}

describe('the order of writes', () => {
  it('is: bytes, their flush, the commit, the link, its directory, the commit', async () => {
    const raw = await randomFile(path.join(directory.path, 'raw'), 8 * MIB);
    const calls = await traced(async (client) => {
      const { id } = await client.createImage();
      await client.send(id, 'stage', raw);
      await client.import(id, { method: { name: 'glance-direct' } });
      await client.finished(id);
    });
    const commit = /stowage\.sqlite-wal/;
    const created = indexOf(calls, ['openat'], /staging\/data\/.*O_CREAT/);
    const flushed = indexOf(calls, ['fdatasync', 'fsync'], /staging\/data\/[^>]+>/, created);
    const named = indexOf(calls, ['fsync', 'fdatasync'], /staging\/data>/, created);
    const ready = indexOf(calls, ['fdatasync', 'fsync'], commit, Math.max(flushed, named));
    const linked = indexOf(calls, ['link', 'linkat'], /store\//, ready);
    const stored = indexOf(calls, ['fsync', 'fdatasync'], /store\//, linked);
    const placed = indexOf(calls, ['fdatasync', 'fsync'], commit, stored);
    const unlinked = indexOf(calls, ['unlink', 'unlinkat'], /staging\/data\//, placed);
    const order = { created, flushed, named, ready, linked, stored, placed, unlinked };
    expect(Object.entries(order).filter(([, at]) => at < 0)).toEqual([]);
    expect(flushed).toBeLessThan(linked);
    expect(ready).toBeGreaterThan(flushed);
    expect(unlinked).toBeGreaterThan(placed);
  });

  it('has the names of directories that others have made before the commit too', async () => {
    const raw = await randomFile(path.join(directory.path, 'raw'), MIB);
    const calls = await traced(async (client, dataDir) => {
      const { id } = await client.createImage();
      // As an import beside it, or one before a crash, may have left it: made, and not flushed.
      await mkdir(path.join(dataDir, 'store', objectPath(id), '..'));
      expect((await client.send(id, 'file', raw)).status).toBe(204);
    });
    const written = indexOf(calls, ['link', 'linkat'], /store\//);
    const named = indexOf(calls, ['fsync', 'fdatasync'], /\/store>/, written);
    const stored = indexOf(calls, ['fsync', 'fdatasync'], /\/store\/[^>]+>/, named);
    const placed = indexOf(calls, ['fdatasync', 'fsync'], /stowage\.sqlite-wal/, written);
    const order = { written, named, stored, placed };
    expect(Object.entries(order).filter(([, at]) => at < 0)).toEqual([]);
    expect(placed, 'nothing is committed between').toBeGreaterThan(stored);
  });
});
