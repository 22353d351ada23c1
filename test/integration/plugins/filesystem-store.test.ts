import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { nodeFiles } from '../../../core/plugin/testing/index.js';
import { FilesystemStore } from '../../../plugins/filesystem/filesystem-store.js';
import { tempDir } from '../../support/temp-dir.js';

/** Writes beside deletes, so many times that each moment between them is met. */
const ROUNDS = 300;

const never = new AbortController().signal;

async function started(root: string, id = 'fast'): Promise<FilesystemStore> {
  const store = new FilesystemStore(root, id, nodeFiles);
  await store.start({ holdsObjects: false });
  return store;
}

function write(store: FilesystemStore, name: string, bytes: string): Promise<{ url: string }> {
  return store.write(name, Readable.from([Buffer.from(bytes)]), { size: undefined, signal: never });
}

describe('the filesystem store', () => {
  it('starts again on what it has, moved to another place too', async () => {
    await using dir = await tempDir();
    const { url } = await write(await started(path.join(dir.path, 'a')), 'i/x', 'kept');
    await rename(path.join(dir.path, 'a'), path.join(dir.path, 'b'));
    const moved = await started(path.join(dir.path, 'b'));
    expect(await text(await moved.open(url, {}))).toBe('kept');
  });

  it('does not share a directory with another store', async () => {
    await using dir = await tempDir();
    await started(dir.path, 'one');
    await expect(started(dir.path, 'two')).rejects.toMatchObject({
      class: 'invalid_input',
      code: 'STORE_MISPLACED',
    });
  });

  it('is unavailable, and its objects are not lost, while its directory is away', async () => {
    await using dir = await tempDir();
    const root = path.join(dir.path, 'root');
    const store = await started(root);
    const { url } = await write(store, 'i/x', 'kept');
    const away = { class: 'transient', code: 'STORE_UNAVAILABLE' };
    await rename(root, `${root}.away`);
    // An empty mount point is no store either.
    for (const mountPoint of [false, true]) {
      if (mountPoint) await mkdir(root);
      await expect(store.open(url, {})).rejects.toMatchObject(away);
      await expect(store.stat(url)).rejects.toMatchObject(away);
      await expect(store.delete(url)).rejects.toMatchObject(away);
      await expect(write(store, 'i/y', 'new')).rejects.toMatchObject(away);
    }
    await rm(root, { recursive: true });
    await rename(`${root}.away`, root);
    expect(await text(await store.open(url, {}))).toBe('kept');
  });

  it('leaves no directory behind when the last object of an image goes', async () => {
    await using dir = await tempDir();
    const store = await started(dir.path);
    const { url } = await write(store, 'image/x', 'bytes');
    const shard = path.dirname(path.dirname(store.pathOf(url)));
    expect(await readdir(shard)).toEqual(['image']);
    await store.delete(url);
    expect(await readdir(shard)).toEqual([]);
  });

  it('writes an object while the last other one of its image goes, with their directory', async () => {
    await using dir = await tempDir();
    const store = await started(dir.path);
    const writer = async (index: number): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { url } = await write(store, `image/${index}.${round}`, 'bytes');
        await store.stat(url);
        await store.delete(url);
      }
    };
    await Promise.all([0, 1, 2].map(writer));
  });

  it('leaves only what discard removes when it dies in the middle of a write', async () => {
    await using dir = await tempDir();
    const store = await started(dir.path);
    const target = store.pathOf('filesystem:image/dead');
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(`${target}.part`, 'half');
    await expect(store.stat('filesystem:image/dead')).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
    });
    await store.discard('image/dead');
    await expect(stat(`${target}.part`)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('never replaces an object', async () => {
    await using dir = await tempDir();
    const store = await started(dir.path);
    const { url } = await write(store, 'i/x', 'first');
    await expect(write(store, 'i/x', 'second')).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
    expect(await text(await store.open(url, {}))).toBe('first');
  });

  it('leaves holes where a stream has zeros', async () => {
    await using dir = await tempDir();
    const store = await started(dir.path);
    const zeros = Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(2 ** 20)));
    const size = 64 * 2 ** 20;
    const { url } = await store.write('i/zeros', zeros, { size, signal: never });
    const found = await stat(store.pathOf(url));
    expect(found.size).toBe(size);
    expect(found.blocks * 512).toBeLessThan(2 ** 16);
  });

  it('cannot link from another file system, and says so without an error', async () => {
    await using dir = await tempDir();
    const store = await started(dir.path);
    const foreign = '/dev/shm';
    const source = path.join(foreign, `stowage-${String(process.pid)}`);
    if ((await stat(foreign)).dev === (await stat(dir.path)).dev) return;
    await writeFile(source, 'elsewhere');
    try {
      const linked = await store.takeFile('i/x', source, { share: 'link', signal: never });
      expect(linked).toBeUndefined();
      const copied = await store.takeFile('i/x', source, { share: 'copy', signal: never });
      expect(await text(await store.open(copied?.url ?? '', {}))).toBe('elsewhere');
    } finally {
      await rm(source);
    }
  });
});
