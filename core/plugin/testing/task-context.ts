import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConflictError, IntegrityError } from '../../base/errors.js';
import type { Json } from '../../base/json.js';
import { inspectFile } from '../../format/inspector.js';
import type { Image } from '../../image/image.js';
import type { GuestDisk } from '../contract/services.js';
import type { DataSource, DiskSource } from '../contract/source.js';
import type { PlacedLocation, Store } from '../contract/store.js';
import type { CloneOutcome, RevertContext, TaskContext, TaskResult } from '../contract/task.js';
import type { CallerView, DataView, RequestView } from '../contract/view.js';
import { anImage } from './an-image.js';
import { silentLog } from './silent-log.js';

/** Bytes that are read of a disk at once. */
const PIECE = 1024 * 1024;

export interface TaskContextOptions {
  /** Of the image; the rest is as {@link anImage} has it. */
  readonly image?: Partial<Image>;
  /** The bytes of the current generation, or the path of a file that holds them. */
  readonly data?: Uint8Array | string;
  readonly request?: Partial<RequestView>;
  readonly observation?: Json;
  readonly attempt?: number;
  readonly resumeFrom?: Json;
  readonly signal?: AbortSignal;
  /** What `source()` answers. */
  readonly source?: DataSource;
  /** The store that `place()` writes to, and its id. */
  readonly store?: { readonly id: string; readonly store: Store };
  /** What `clone()` answers. */
  readonly clone?: CloneOutcome;
  /** Called by every `progress`; for tests that stop a task in the middle. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
}

/** Makes a task's context in a directory of its own. `await using`, or `dispose()`, removes it. */
export async function taskContext(options: TaskContextOptions = {}): Promise<TestTaskContext> {
  const directory = await mkdtemp(path.join(tmpdir(), 'stowage-task-'));
  const { data } = options;
  if (data === undefined) return new TestTaskContext(directory, options, undefined, undefined);
  const file = typeof data === 'string' ? data : path.join(directory, 'generation-0');
  if (typeof data !== 'string') await writeFile(file, data);
  return new TestTaskContext(directory, options, file, await viewOf(file, 0));
}

/** A context that does on files what the engine does, and remembers what it was asked for. */
export class TestTaskContext implements TaskContext, AsyncDisposable {
  readonly importId = randomUUID();
  readonly image: Image;
  readonly request: RequestView;
  readonly caller: CallerView = { userId: 'a-user', projectId: 'a-project', roles: ['member'] };
  readonly store: string | undefined;
  readonly observation: Json | undefined;
  readonly attempt: number;
  readonly resumeFrom: Json | undefined;
  readonly signal: AbortSignal;
  readonly log = silentLog;
  /** In the order in which they were saved. */
  readonly checkpoints: Json[] = [];
  /** Files of the generations that the task has made, in order. */
  readonly made: {
    readonly file: string;
    readonly data: DataView;
    /** The call that has made it. */
    readonly by: 'stage' | 'adopt';
  }[] = [];

  constructor(
    readonly directory: string,
    private readonly options: TaskContextOptions,
    private readonly file: string | undefined,
    readonly data: DataView | undefined,
  ) {
    const { image, request, store, observation, attempt = 1, resumeFrom, signal } = options;
    this.image = anImage(image);
    this.request = { method: 'glance-direct', params: {}, stores: ['default'], ...request };
    this.store = store?.id;
    this.observation = observation;
    this.attempt = attempt;
    this.resumeFrom = resumeFrom;
    this.signal = signal ?? new AbortController().signal;
  }

  progress(done: number, total?: number): void {
    this.options.onProgress?.(done, total);
  }

  checkpoint(position: Json): Promise<void> {
    this.checkpoints.push(position);
    return Promise.resolve();
  }

  dataPath(): string {
    if (this.file !== undefined) return this.file;
    throw new ConflictError({ code: 'NO_DATA', message: 'The import holds no bytes' });
  }

  openData(offset = 0): Readable {
    return createReadStream(this.dataPath(), { start: offset });
  }

  async workspacePath(name: string): Promise<string> {
    const workspace = path.join(this.directory, 'workspace');
    await mkdir(workspace, { recursive: true });
    return path.join(workspace, name);
  }

  source(): Promise<DataSource> {
    return Promise.resolve(this.options.source ?? { kind: 'staged' });
  }

  async stage(source: DataSource): Promise<DataView | undefined> {
    if (source.kind === 'staged') return this.data ?? (await viewOf(this.dataPath(), 0));
    if (source.kind === 'disk') return this.#unpack(source);
    if (source.kind !== 'stream') return undefined;
    const file = this.#next();
    const stream = await source.open(0, this.signal);
    await pipeline(stream, createWriteStream(file), { signal: this.signal });
    const data = await viewOf(file, this.#number(), Object.keys(source.expectedDigests ?? {}));
    for (const [algorithm, expected] of Object.entries(source.expectedDigests ?? {})) {
      assertEqual('CHECKSUM_MISMATCH', algorithm, data.digests[algorithm], expected);
    }
    if (source.size !== undefined) assertEqual('SIZE_MISMATCH', 'size', data.size, source.size);
    this.made.push({ file, data, by: 'stage' });
    return data;
  }

  clone(): Promise<CloneOutcome> {
    const { clone } = this.options;
    if (clone !== undefined) return Promise.resolve(clone);
    return Promise.reject(
      new ConflictError({ code: 'NO_CLONE', message: 'The test gives no `clone`' }),
    );
  }

  async adopt(file: string): Promise<DataView> {
    const adopted = this.#next();
    await rename(file, adopted);
    const data = await viewOf(adopted, this.#number());
    this.made.push({ file: adopted, data, by: 'adopt' });
    return data;
  }

  async place(): Promise<PlacedLocation> {
    const { store } = this.options;
    if (store === undefined) {
      throw new ConflictError({ code: 'NO_STORE', message: 'The test gives no `store`' });
    }
    const { signal } = this;
    const size = this.data?.size;
    const name = `${this.image.id}/${this.importId}`;
    const { url } = await store.store.write(name, this.openData(), { size, signal });
    return { store: store.id, url };
  }

  /** What the task would have to undo this context's attempt, which answered `result`. */
  revertContext(result?: TaskResult): RevertContext {
    const { importId, image, request, caller, store, log } = this;
    const { signal } = new AbortController();
    const checkpoint = this.checkpoints.at(-1);
    return {
      importId,
      image,
      request,
      caller,
      store,
      log,
      signal,
      checkpoint,
      output: result?.output,
    };
  }

  /** Removes the directory with all files. */
  async dispose(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  async #unpack({ disk }: DiskSource): Promise<DataView> {
    const file = this.#next();
    try {
      await pipeline(piecesOf(disk), createWriteStream(file), { signal: this.signal });
    } finally {
      await disk.close();
    }
    const data = await viewOf(file, this.#number());
    this.made.push({ file, data, by: 'stage' });
    return data;
  }

  /** Of the generation that the task makes. */
  #number(): number {
    return (this.data?.generation ?? -1) + 1;
  }

  #next(): string {
    return path.join(this.directory, `made-${this.made.length}`);
  }
}

async function* piecesOf(disk: GuestDisk): AsyncGenerator<Buffer> {
  for (let position = 0; position < disk.size; position += PIECE) {
    const piece = Buffer.alloc(Math.min(PIECE, disk.size - position));
    await disk.read(piece, position);
    yield piece;
  }
}

async function viewOf(
  file: string,
  generation: number,
  digests: readonly string[] = [],
): Promise<DataView> {
  const { size, blocks } = await stat(file);
  const hashes = [...new Set(['md5', 'sha512', ...digests])].map((algorithm) => ({
    algorithm,
    hash: createHash(algorithm),
  }));
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    for (const { hash } of hashes) hash.update(chunk);
  }
  return {
    generation,
    size,
    allocatedSize: blocks * 512,
    digests: Object.fromEntries(
      hashes.map(({ algorithm, hash }) => [algorithm, hash.digest('hex')]),
    ),
    inspection: await inspectFile(file),
  };
}

function assertEqual(code: string, what: string, found: unknown, expected: unknown): void {
  if (found === expected) return;
  throw new IntegrityError({
    code,
    message: `The ${what} of the data is "${String(found)}", expected "${String(expected)}"`,
  });
}
