import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testDirectory } from '../../test/support/database.js';
import { findServer, lockDataDir } from './data-dir-lock.js';
import { readServerInfo, writeServerInfo } from './server-info.js';

const HOLDER = path.resolve(import.meta.dirname, '../../test/support/hold-data-dir.ts');

/** Another process that takes the lock, says how that went and, where it has it, keeps it. */
async function startHolder(dataDir: string): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', HOLDER, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: said.toString().trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

// Starts processes, which takes a while on a busy machine.
describe('lockDataDir', { timeout: 60_000 }, () => {
  it('makes the directory, for this user alone', async () => {
    const dataDir = path.join(await testDirectory(), 'deep', 'data');
    const lock = await lockDataDir(dataDir);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    await lock.release();
  });

  it('refuses a second holder, names the first, and lets it in after the release', async () => {
    const dataDir = await testDirectory();
    const lock = await lockDataDir(dataDir);
    await expect(lockDataDir(dataDir)).rejects.toMatchObject({
      class: 'conflict',
      code: 'DATA_DIR_IN_USE',
      message: `The data directory "${dataDir}" is in use by another process`,
      details: { data_dir: dataDir },
    });
    const info = { pid: 7, url: 'http://127.0.0.1:9292', startedAt: new Date(5) };
    await writeServerInfo(dataDir, info);
    await expect(lockDataDir(dataDir)).rejects.toMatchObject({
      message: `The data directory "${dataDir}" is in use by process 7 at http://127.0.0.1:9292`,
      details: { data_dir: dataDir, pid: 7, url: 'http://127.0.0.1:9292' },
    });
    await Promise.all([lock.release(), lock.release()]);
    expect(await readServerInfo(dataDir)).toBeUndefined();
    await (await lockDataDir(dataDir)).release();
  });

  it('is held against other processes, whatever this one looks at meanwhile', async () => {
    const dataDir = await testDirectory();
    const lock = await lockDataDir(dataDir);
    await findServer(dataDir);
    await lockDataDir(dataDir).catch(() => undefined);
    expect((await startHolder(dataDir)).said).toBe('DATA_DIR_IN_USE');
    await lock.release();
    expect((await startHolder(dataDir)).said).toBe('held');
  });

  it('is free as soon as its holder is killed', async () => {
    const dataDir = await testDirectory();
    const { child, said } = await startHolder(dataDir);
    expect(said).toBe('held');
    await expect(lockDataDir(dataDir)).rejects.toMatchObject({
      code: 'DATA_DIR_IN_USE',
      details: { pid: child.pid },
    });
    expect(await findServer(dataDir)).toMatchObject({ pid: child.pid });
    await kill(child);
    expect(await readServerInfo(dataDir)).toMatchObject({ pid: child.pid });
    expect(await findServer(dataDir)).toBeUndefined();
    const lock = await lockDataDir(dataDir);
    expect(await findServer(dataDir)).toBeUndefined();
    await lock.release();
  });

  it('names a data directory that cannot be one', async () => {
    const file = path.join(await testDirectory(), 'file');
    await writeFile(file, '');
    await expect(lockDataDir(file)).rejects.toMatchObject({
      class: 'permanent',
      code: 'DATA_DIR_UNUSABLE',
    });
  });
});

describe('findServer', () => {
  it('finds nothing, and makes nothing, where nothing is', async () => {
    const dataDir = path.join(await testDirectory(), 'data');
    expect(await findServer(dataDir)).toBeUndefined();
    await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('answers what the holder has written', async () => {
    const dataDir = await testDirectory();
    const lock = await lockDataDir(dataDir);
    expect(await findServer(dataDir)).toBeUndefined();
    const info = { pid: process.pid, url: 'http://[::1]:9292/x', startedAt: new Date(1_000) };
    await writeServerInfo(dataDir, info);
    expect(await findServer(dataDir)).toEqual(info);
    await lock.release();
    expect(await findServer(dataDir)).toBeUndefined();
  });

  it('passes over information that it does not understand', async () => {
    const dataDir = await testDirectory();
    const lock = await lockDataDir(dataDir);
    for (const text of ['', '{', '{"pid":"x"}']) {
      await writeFile(path.join(dataDir, 'server.json'), text);
      expect(await findServer(dataDir)).toBeUndefined();
    }
    await lock.release();
  });
});
