import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isFileStore } from '../../core/api.js';
import type { ByteRange, FileStore, Store } from '../../core/api.js';

/** What a store can be asked for beyond the contract's core. */
export interface StoreTraits {
  /** Holds objects of some GiB, as files with holes or by other means. */
  readonly large?: boolean;
  /** Every object costs it seconds: fewer are written. */
  readonly slow?: boolean;
}

/**
 * What every store must do. `create` answers a started store that nobody else uses; `directory` is
 * its own, and goes away after the test.
 */
export function describeStore(
  name: string,
  create: (directory: string) => Promise<Store>,
  traits: StoreTraits = {},
): void {
  describe(`${name} as a store`, () => {
    const bytes = randomBytes(300_000);
    const never = new AbortController().signal;
    let directory: string;
    let store: Store;

    beforeEach(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'stowage-store-'));
      store = await create(path.join(directory, 'store'));
    });

    afterEach(async () => {
      await store.stop?.();
      await rm(directory, { recursive: true, force: true });
    });

    const write = (object: string, content: Uint8Array, size?: number): Promise<{ url: string }> =>
      store.write(object, Readable.from([content]), {
        size,
        signal: new AbortController().signal,
      });
    const read = async (url: string, range?: ByteRange): Promise<Buffer> =>
      buffer(await store.open(url, range === undefined ? {} : { range }));

    it('gives back what was written', async () => {
      const { url } = await write('image-1/a.1.x', bytes, bytes.length);
      expect(await store.stat(url)).toEqual({ size: bytes.length });
      expect((await read(url)).equals(bytes)).toBe(true);
    });

    it('takes a stream of unknown size and an empty one', async () => {
      expect((await read((await write('i/unknown', bytes)).url)).equals(bytes)).toBe(true);
      const empty = await store.write('i/empty', Readable.from([]), { size: 0, signal: never });
      expect(await store.stat(empty.url)).toEqual({ size: 0 });
      expect(await read(empty.url)).toHaveLength(0);
    });

    it('keeps zeros, at the start, between and at the end', async () => {
      const zeros = Buffer.alloc(200_000);
      const whole = Buffer.concat([zeros, bytes, zeros, bytes.subarray(0, 7), zeros]);
      const pieces = [whole.subarray(0, 131_073), whole.subarray(131_073)];
      const { url } = await store.write('i/zeros', Readable.from(pieces), {
        size: whole.length,
        signal: never,
      });
      expect((await read(url)).equals(whole)).toBe(true);
    });

    it('reads ranges, those at the edges too', async () => {
      if (store.rangeRead !== true) return;
      const { url } = await write('i/ranges', bytes, bytes.length);
      const ranges: ByteRange[] = [
        { start: 0, end: 1 },
        { start: bytes.length - 1, end: bytes.length },
        { start: 65_535, end: 65_537 },
        { start: 5, end: 5 },
        { start: 0, end: bytes.length },
      ];
      for (const range of ranges) {
        const expected = bytes.subarray(range.start, range.end);
        expect((await read(url, range)).equals(expected), JSON.stringify(range)).toBe(true);
      }
    });

    it('keeps objects apart', async () => {
      const first = await write('i/1', bytes.subarray(0, 10));
      const second = await write('i/2', bytes.subarray(10, 30));
      await store.delete(first.url);
      expect((await read(second.url)).equals(bytes.subarray(10, 30))).toBe(true);
    });

    it('deletes once, and succeeds where nothing is', async () => {
      const { url } = await write('i/deleted', bytes);
      await store.delete(url);
      await store.delete(url);
      await expect(store.stat(url)).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
      await expect(store.open(url, {})).rejects.toMatchObject({
        class: 'not_found',
        code: 'OBJECT_NOT_FOUND',
      });
    });

    it('discards what a write has left, and succeeds where nothing is', async () => {
      const { url } = await write('i/discarded', bytes);
      await store.discard('i/discarded');
      await store.discard('i/discarded');
      await store.discard('i/never-written');
      await expect(store.stat(url)).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    });

    it('shows nothing of a write that breaks', async () => {
      const broken = Readable.from(
        (function* () {
          yield bytes;
          throw new Error('the source broke');
        })(),
      );
      const writing = store.write('i/broken', broken, { size: undefined, signal: never });
      await expect(writing).rejects.toThrow('the source broke');
      await store.discard('i/broken');
      const again = await write('i/broken', bytes);
      expect((await read(again.url)).equals(bytes)).toBe(true);
    });

    it('refuses a stream of another length than was said', async () => {
      await expect(write('i/short', bytes, bytes.length + 1)).rejects.toMatchObject({
        class: 'integrity',
      });
      await expect(write('i/long', bytes, bytes.length - 1)).rejects.toMatchObject({
        class: 'integrity',
      });
    });

    it('stops with the reason of its signal', async () => {
      const controller = new AbortController();
      const endless = new Readable({
        read() {
          this.push(bytes);
          setImmediate(() => {
            controller.abort(new Error('asked to stop'));
          });
        },
      });
      const { signal } = controller;
      const writing = store.write('i/aborted', endless, { size: undefined, signal });
      await expect(writing).rejects.toThrow('asked to stop');
      expect(endless.destroyed).toBe(true);
      await store.discard('i/aborted');
    });

    it('writes many objects at once', async () => {
      const names = Array.from(
        { length: traits.slow === true ? 6 : 20 },
        (_, at) => `image-${at % 3}/object-${at}`,
      );
      const written = await Promise.all(
        names.map((object, at) => write(object, bytes.subarray(at, at + 1000))),
      );
      for (const [at, { url }] of written.entries()) {
        expect((await read(url)).equals(bytes.subarray(at, at + 1000))).toBe(true);
      }
      expect(new Set(written.map(({ url }) => url)).size).toBe(names.length);
    });

    it('survives writing and deleting of the same image at once', async () => {
      const rounds = traits.slow === true ? 3 : 20;
      for (let round = 0; round < rounds; round += 1) {
        const old = await write(`image/${round}.old`, bytes.subarray(0, 10));
        const [made] = await Promise.all([
          write(`image/${round}.new`, bytes.subarray(0, 20)),
          store.delete(old.url),
        ]);
        expect((await read(made.url)).length).toBe(20);
        await store.delete(made.url);
      }
    });

    it('refuses names that lead elsewhere', async () => {
      for (const evil of ['../evil', 'a/../../evil', '/etc/evil', 'a//b', '.hidden', 'a/./b', '']) {
        await expect(write(evil, bytes), evil).rejects.toMatchObject({ class: 'invalid_input' });
        await expect(store.discard(evil), evil).rejects.toMatchObject({ class: 'invalid_input' });
      }
    });

    it('does not open a URL that is not its own', async () => {
      for (const foreign of ['file:///etc/passwd', 'filesystem:../../etc/passwd', 'nonsense']) {
        await expect(store.open(foreign, {}), foreign).rejects.toMatchObject({
          class: expect.stringMatching(/not_found|invalid_input/) as unknown,
        });
      }
    });

    it('holds an object of more than 4 GiB', async () => {
      if (traits.large !== true || !isFileStore(store)) return;
      const size = 5 * 2 ** 30;
      const source = path.join(directory, 'large');
      await writeFile(source, '');
      await truncate(source, size);
      const taken = await store.takeFile('i/large', source, { share: 'copy', signal: never });
      expect(await store.stat(taken?.url ?? '')).toEqual({ size });
      const tail = await read(taken?.url ?? '', { start: size - 3, end: size });
      expect(tail.equals(Buffer.alloc(3))).toBe(true);
      expect((await stat(store.pathOf(taken?.url ?? ''))).blocks * 512).toBeLessThan(2 ** 20);
    });

    describe('taking files', () => {
      let source: string;
      const files = (): FileStore => {
        if (isFileStore(store)) return store;
        throw new Error('not a file store');
      };

      beforeEach(async () => {
        source = path.join(directory, 'source');
        await writeFile(source, bytes);
      });

      it('links within a file system, and the same again', async () => {
        if (!isFileStore(store)) return;
        const job = { share: 'link', signal: never } as const;
        const taken = await files().takeFile('i/linked', source, job);
        const again = await files().takeFile('i/linked', source, job);
        expect(again).toEqual(taken);
        const [ours, theirs] = await Promise.all([
          stat(files().pathOf(taken?.url ?? '')),
          stat(source),
        ]);
        expect(ours.ino).toBe(theirs.ino);
        await rm(source);
        expect((await read(taken?.url ?? '')).equals(bytes)).toBe(true);
      });

      it('clones with an inode of its own where the file system can, and leaves nothing else', async () => {
        if (!isFileStore(store)) return;
        const taken = await files().takeFile('i/cloned', source, { share: 'clone', signal: never });
        if (taken === undefined) {
          const again = await write('i/cloned', bytes);
          expect((await read(again.url)).equals(bytes)).toBe(true);
          return;
        }
        const [ours, theirs] = await Promise.all([stat(files().pathOf(taken.url)), stat(source)]);
        expect(ours.ino).not.toBe(theirs.ino);
        expect((await read(taken.url)).equals(bytes)).toBe(true);
      });

      it('copies with an inode of its own', async () => {
        if (!isFileStore(store)) return;
        const taken = await files().takeFile('i/copied', source, { share: 'copy', signal: never });
        const [ours, theirs] = await Promise.all([
          stat(files().pathOf(taken?.url ?? '')),
          stat(source),
        ]);
        expect(ours.ino).not.toBe(theirs.ino);
        expect((await read(taken?.url ?? '')).equals(bytes)).toBe(true);
      });

      it('stops before it begins when it is aborted', async () => {
        if (!isFileStore(store)) return;
        const signal = AbortSignal.abort(new Error('asked to stop'));
        for (const share of ['link', 'clone', 'copy'] as const) {
          await expect(files().takeFile('i/x', source, { share, signal })).rejects.toThrow(
            'asked to stop',
          );
        }
        await store.discard('i/x');
      });
    });
  });
}
