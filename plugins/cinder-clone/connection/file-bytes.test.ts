import { mkdir, open, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { tempDir } from '../../../test/support/temp-dir.js';
import { FileBytes } from './file-bytes.js';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

it('volumes that are files are read and written, and zeros take no room', async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, 'volume');
  await using handle = await open(file, 'w');
  await handle.truncate(8 * MIB);
  const bytes = new FileBytes([dir.path]);
  const content = Buffer.alloc(3 * MIB + 5);
  content.write('at the start');
  content.write('at the end', content.length - 10);
  const connection = { kind: 'file', path: file } as const;
  await bytes.write(connection, Readable.from([content]), MIB);
  expect((await readFile(file)).subarray(MIB, MIB + content.length).equals(content)).toBe(true);
  expect((await stat(file)).blocks * 512).toBeLessThan(MIB);
  const read = await buffer(await bytes.read(connection, MIB + 12, signal));
  expect([read.length, read.toString('latin1', MIB)]).toEqual([MIB + 12, 'at the start']);
  expect(await buffer(await bytes.read(connection, 0, signal))).toHaveLength(0);
});

it('no other file of the machine is opened', async () => {
  await using dir = await tempDir();
  const [volumes, secret] = [path.join(dir.path, 'volumes'), path.join(dir.path, 'secret')];
  await mkdir(volumes);
  await writeFile(secret, 'not yours');
  await symlink(secret, path.join(volumes, 'link'));
  const bytes = new FileBytes([volumes]);
  for (const named of [secret, path.join(volumes, 'link'), `${volumes}/../secret`, volumes]) {
    const connection = { kind: 'file', path: named } as const;
    const refusal = { code: 'CONNECTION_UNSUPPORTED' };
    await expect(bytes.read(connection, 5, signal)).rejects.toMatchObject(refusal);
    await expect(bytes.write(connection, Readable.from([]), 0)).rejects.toMatchObject(refusal);
  }
});
