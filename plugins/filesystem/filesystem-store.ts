import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { access, mkdir, open, readFile, rm, rmdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { IntegrityError, InvalidInputError, TransientError, systemCode } from '../../core/api.js';
import type {
  ByteRange,
  FileStore,
  Files,
  JsonObject,
  StoreHistory,
  StoredObject,
} from '../../core/api.js';
import { EarlyFlush } from './early-flush.js';
import {
  abortable,
  exists,
  ignore,
  isMissingIn,
  linkOnce,
  syncDirectory,
  withFile,
} from './files.js';
import { PART_SUFFIX, nameOf, objectPath, urlOf } from './object-path.js';
import { SparseWriter } from './sparse-writer.js';
import { translated } from './store-errors.js';

/** Says whose directory it is, and that it is there: a mount point without its mount has none. */
const MARKER = '.stowage-store';

/** Nobody else on the machine reads images here. */
const DIRECTORY_MODE = 0o750;
const FILE_MODE = 0o640;

/** The source's file system has no hard links, is another one, or the file has too many of them. */
const CANNOT_LINK: ReadonlySet<string> = new Set(['EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP', 'ENOSYS']);

/** Deletes by others remove empty directories while one is being filled. */
const DIRECTORY_ATTEMPTS = 10;

/**
 * Keeps each object as one file. Nothing has its final name before it is whole and durable: bytes go
 * to a `.part` file beside it, then fdatasync, then a link, which never replaces anything, then the
 * directory is synced.
 */
export class FilesystemStore implements FileStore {
  readonly rangeRead = true;
  /** The 256 directories right below the root, as far as their names are durable; deletes leave them. */
  readonly #durableShards = new Set<string>();

  constructor(
    readonly root: string,
    private readonly id: string,
    private readonly files: Files,
  ) {}

  async start({ holdsObjects }: StoreHistory): Promise<void> {
    await this.#doing('get ready', async () => {
      // Making the directory anew would hide the images of one that is not mounted yet.
      if (holdsObjects) await this.#assertMounted();
      await mkdir(this.root, { recursive: true, mode: DIRECTORY_MODE });
      await access(this.root, constants.R_OK | constants.W_OK | constants.X_OK);
      const marker = path.join(this.root, MARKER);
      const owner = await readFile(marker, 'utf8').catch(ignore('ENOENT'));
      if (owner === undefined) {
        const file = await open(marker, 'wx', FILE_MODE);
        await withFile(file, async () => {
          await file.writeFile(`${this.id}\n`);
          await file.sync();
        });
        await syncDirectory(this.root);
      } else if (owner.trim() !== this.id) {
        throw new InvalidInputError({
          code: 'STORE_MISPLACED',
          message: `The directory ${this.root} belongs to the store "${owner.trim()}", not to "${this.id}"`,
          hint: `Give the store a directory of its own; if it was renamed, write its id into ${marker}`,
        });
      }
    });
  }

  write(
    name: string,
    source: Readable,
    options: { readonly size: number | undefined; readonly signal: AbortSignal },
  ): Promise<StoredObject> {
    return this.#placing(name, (part) => this.#fill(part, name, source, options));
  }

  async takeFile(
    name: string,
    file: string,
    { share, signal }: { readonly share: 'link' | 'clone' | 'copy'; readonly signal: AbortSignal },
  ): Promise<StoredObject | undefined> {
    signal.throwIfAborted();
    if (share === 'copy') {
      return this.#placing(name, async (part) => {
        await rm(part, { force: true });
        await this.files.copy(file, part, signal);
      });
    }
    if (share === 'clone') {
      const isPlaced = await this.#placed(name, async (part) => {
        await rm(part, { force: true });
        return this.files.clone(file, part, signal);
      });
      return isPlaced ? { url: urlOf(name) } : undefined;
    }
    return this.#doing(`link "${name}"`, async () => {
      const target = this.#pathOfName(name);
      try {
        await this.#inDirectory(target, () => linkOnce(file, target));
      } catch (error) {
        if (!CANNOT_LINK.has(systemCode(error) ?? '')) throw error;
        return undefined;
      }
      await syncDirectory(path.dirname(target));
      return { url: urlOf(name) };
    });
  }

  properties(): JsonObject {
    return { data_dir: this.root };
  }

  pathOf(url: string): string {
    return this.#pathOfName(nameOf(url));
  }

  open(
    url: string,
    { range, signal }: { readonly range?: ByteRange; readonly signal?: AbortSignal },
  ): Promise<Readable> {
    return this.#doing(`open "${url}"`, async () => {
      signal?.throwIfAborted();
      const file = await this.#opening(this.pathOf(url));
      if (range !== undefined && range.end <= range.start) {
        await file.close();
        return Readable.from([]);
      }
      // `end` of a Node stream is inclusive.
      const bounds = range === undefined ? {} : { start: range.start, end: range.end - 1 };
      const options = { ...bounds, highWaterMark: 1024 * 1024 };
      return file.createReadStream(signal === undefined ? options : { ...options, signal });
    });
  }

  stat(url: string): Promise<{ readonly size: number }> {
    return this.#doing(`find "${url}"`, async () => {
      const found = await stat(this.pathOf(url)).catch((error: unknown) => this.#missing(error));
      return { size: found.size };
    });
  }

  delete(url: string): Promise<void> {
    return this.#remove(nameOf(url));
  }

  discard(name: string): Promise<void> {
    return this.#remove(name);
  }

  /** Runs `fill` on the `.part` file of an object, then makes it the object. */
  async #placing(name: string, fill: (part: string) => Promise<void>): Promise<StoredObject> {
    await this.#placed(name, async (part) => {
      await fill(part);
      return true;
    });
    return { url: urlOf(name) };
  }

  /** As {@link #placing}, where `fill` may answer that it cannot. */
  #placed(name: string, fill: (part: string) => Promise<boolean>): Promise<boolean> {
    return this.#doing(`write "${name}"`, async () => {
      const target = this.#pathOfName(name);
      const part = `${target}${PART_SUFFIX}`;
      try {
        const isFilled = await this.#inDirectory(target, () => fill(part));
        if (!isFilled) return false;
        await linkOnce(part, target);
      } finally {
        await rm(part, { force: true });
      }
      await syncDirectory(path.dirname(target));
      return true;
    });
  }

  async #fill(
    part: string,
    name: string,
    source: Readable,
    { size, signal }: { readonly size: number | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    const file = await open(part, 'w', FILE_MODE);
    await withFile(file, async () => {
      const writer = new SparseWriter(file);
      const flush = new EarlyFlush(file);
      for await (const chunk of abortable(source, signal)) {
        await writer.write(chunk);
        flush.wrote(chunk.length);
      }
      if (size !== undefined && writer.size !== size) {
        throw new IntegrityError({
          code: 'SIZE_MISMATCH',
          message: `"${name}" has ${writer.size} bytes, expected ${size}`,
        });
      }
      await writer.finish();
      await flush.finish();
    });
  }

  /**
   * Makes the directory of a file for `work`, which puts something there; once more where the directory
   * was removed before that was there. Nothing is lost by a repetition: no file, no byte of it.
   */
  async #inDirectory<T>(file: string, work: () => Promise<T>): Promise<T> {
    const directory = path.dirname(file);
    for (let attempt = 1; ; attempt += 1) {
      await this.#assertMounted();
      let done: T;
      try {
        const made = await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
        if (made !== undefined) this.#durableShards.delete(made);
        done = await work();
      } catch (error) {
        if (attempt < DIRECTORY_ATTEMPTS && isMissingIn(directory, error)) continue;
        throw error;
      }
      await this.#syncNames(directory);
      return done;
    }
  }

  /**
   * Makes the names of a directory and of those above it durable, whoever has made them: another
   * write, or a life before, may have ended between making and syncing.
   */
  async #syncNames(directory: string): Promise<void> {
    let named = directory;
    while (named !== this.root && !this.#durableShards.has(named)) {
      const parent = path.dirname(named);
      await syncDirectory(parent);
      if (parent === this.root) this.#durableShards.add(named);
      named = parent;
    }
  }

  #remove(name: string): Promise<void> {
    return this.#doing(`delete "${name}"`, async () => {
      const target = this.#pathOfName(name);
      await this.#assertMounted();
      const gone = await Promise.all(
        [target, `${target}${PART_SUFFIX}`].map(async (file) =>
          unlink(file).then(() => true, ignore('ENOENT', 'ENOTDIR')),
        ),
      );
      if (!gone.some((found) => found === true)) return;
      const directory = path.dirname(target);
      await syncDirectory(directory).catch(ignore('ENOENT'));
      // What was the last object of an image leaves no directory behind.
      if (path.dirname(directory) !== this.root) {
        await rmdir(directory).catch(ignore('ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY'));
      }
    });
  }

  async #opening(file: string): Promise<FileHandle> {
    return open(file, 'r').catch((error: unknown) => this.#missing(error));
  }

  /** A file that is missing together with the whole store is not lost. */
  async #missing(error: unknown): Promise<never> {
    if (systemCode(error) === 'ENOENT') await this.#assertMounted();
    throw error;
  }

  async #assertMounted(): Promise<void> {
    const marker = path.join(this.root, MARKER);
    if (await exists(marker)) return;
    throw new TransientError({
      code: 'STORE_UNAVAILABLE',
      message: `The directory of store "${this.id}" is not there: its file "${MARKER}" is missing`,
      hint: 'Mount the file system of the store',
    });
  }

  #pathOfName(name: string): string {
    return path.join(this.root, objectPath(name));
  }

  async #doing<T>(act: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translated(error, this.id, act);
    }
  }
}
