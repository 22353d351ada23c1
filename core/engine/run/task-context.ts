import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { BugError, ConflictError, IntegrityError } from '../../base/errors.js';
import type { Json } from '../../base/json.js';
import type { SharedSeat } from '../../dataflow/pass.js';
import type {
  CloneSource,
  DataSource,
  DiskSource,
  RegisteredSource,
  StreamSource,
} from '../../plugin/contract/source.js';
import type { PluginLog } from '../../plugin/contract/services.js';
import type { ByteObserver, CloneOutcome, TaskContext } from '../../plugin/contract/task.js';
import type { PlacedLocation } from '../../plugin/contract/store.js';
import type { DataView, TaskView } from '../../plugin/contract/view.js';
import type { LoadedTask } from '../../plugin/plugins.js';
import { StagingArea } from '../../staging/area.js';
import type { Generation } from '../../staging/generation.js';
import type { ImportRecord, TaskRecord } from '../import.js';
import { openContinued } from '../bytes/continued-stream.js';
import type { IncomingOwner } from '../bytes/generation-rows.js';
import type { Incoming, Watching } from '../bytes/incoming.js';
import type { Journal } from '../journal.js';
import type { Placement } from '../bytes/placement.js';
import type { TaskMeter } from './progress.js';
import { dataView } from '../flow/view.js';

/** Milliseconds that a source may stand still unless the method says otherwise. */
const SOURCE_IDLE_TIMEOUT = 60_000;

/** What one attempt of one task works with. */
export interface Attempt {
  readonly record: ImportRecord;
  readonly row: TaskRecord;
  readonly view: TaskView;
  /** The generation behind `view.data`. */
  readonly generation: Generation | undefined;
  /** The observers of this task's successors, for the bytes that it makes. */
  readonly successors: readonly LoadedTask[];
  readonly source: () => Promise<DataSource>;
  readonly seat: SharedSeat | undefined;
  /** Bytes that the tasks behind this one need beside such data at most. */
  readonly needOf: (data: DataView) => Promise<number>;
  readonly signal: AbortSignal;
  readonly log: PluginLog;
  readonly meter: TaskMeter;
  readonly epoch: number;
}

/** The engine's side of a task's context: every way in which a plugin reaches the import. */
export class EngineTaskContext implements TaskContext {
  readonly importId: TaskView['importId'];
  readonly image: TaskView['image'];
  readonly data: TaskView['data'];
  readonly request: TaskView['request'];
  readonly caller: TaskView['caller'];
  readonly store: TaskView['store'];
  readonly observation: TaskView['observation'];
  readonly attempt: number;
  readonly resumeFrom: Json | undefined;
  readonly signal: AbortSignal;
  readonly log: PluginLog;

  constructor(
    private readonly of: Attempt,
    private readonly journal: Journal,
    private readonly incoming: Incoming,
    private readonly placement: Placement,
    private readonly staging: StagingArea,
  ) {
    const { view, row } = of;
    this.importId = view.importId;
    this.image = view.image;
    this.data = view.data;
    this.request = view.request;
    this.caller = view.caller;
    this.store = view.store;
    this.observation = view.observation;
    this.attempt = row.attempt;
    this.resumeFrom = row.checkpoint ?? undefined;
    this.signal = of.signal;
    this.log = of.log;
  }

  progress(done: number, total?: number): void {
    this.of.meter.update(done, total);
  }

  async checkpoint(position: Json): Promise<void> {
    this.signal.throwIfAborted();
    const { importId, position: place } = this.of.row;
    await this.journal.write(({ tx }) =>
      tx.updateTask(importId, place, { state: ['running'] }, { checkpoint: position }),
    );
  }

  dataPath(): string {
    return this.staging.pathOf(this.#generation());
  }

  openData(offset = 0): Readable {
    return createReadStream(this.dataPath(), { start: offset });
  }

  async workspacePath(name: string): Promise<string> {
    const { importId, position } = this.of.row;
    const directory = await this.staging.workspace(importId, position, this.of.epoch);
    const file = path.resolve(directory, name);
    if (path.dirname(file) === directory) return file;
    throw new BugError({
      code: 'WORKSPACE_NAME',
      message: `A workspace file is a plain name, got "${name}"`,
    });
  }

  source(): Promise<DataSource> {
    if (this.of.row.position === 0) return this.of.source();
    throw new BugError({
      code: 'SOURCE_TAKEN',
      message: 'Only the first task of a pipeline has the source of the import',
    });
  }

  async stage(source: DataSource): Promise<DataView | undefined> {
    switch (source.kind) {
      case 'location':
        return undefined;
      case 'registered':
        return this.#judge(source);
      case 'clone': {
        const { store, origin } = source;
        const { image, signal } = this;
        const { url } = await this.placement.examine(store, origin, { image, signal });
        return this.#judge({ kind: 'registered', store, url });
      }
      case 'staged': {
        const generation = this.#generation();
        await this.#checkExpectedDigest(generation);
        return dataView(generation);
      }
      case 'disk':
        return this.#unpack(source);
      case 'stream': {
        const { record } = this.of;
        const owner = this.#owner();
        // What the client has announced is the digest of what it sends.
        const announced = owner.number === 0 ? record.expectedDigest : null;
        const generation = await this.incoming.receive(
          owner,
          {
            size: source.size,
            sparse: source.sparse ?? false,
            validator: source.validator,
            resumable: source.resumable,
            idleTimeoutMs: source.idleTimeoutMs ?? SOURCE_IDLE_TIMEOUT,
            open: (offset) => this.#open(source, offset),
          },
          this.#watching(source.size, [
            ...Object.keys(source.expectedDigests ?? {}),
            ...(announced === null ? [] : [announced.algorithm]),
          ]),
        );
        for (const [algorithm, value] of Object.entries(source.expectedDigests ?? {})) {
          assertDigest(generation, algorithm, value);
        }
        if (announced !== null) await this.#checkExpectedDigest(generation);
        return dataView(generation);
      }
    }
  }

  async #unpack({ disk }: DiskSource): Promise<DataView> {
    try {
      const generation = await this.incoming.receive(
        this.#owner(),
        {
          size: disk.size,
          sparse: true,
          validator: undefined,
          resumable: false,
          idleTimeoutMs: SOURCE_IDLE_TIMEOUT,
          disk,
        },
        this.#watching(disk.size, []),
      );
      return dataView(generation);
    } finally {
      // The pass has said how that went; here it is for a disk that none has come to.
      await disk.close().catch(() => undefined);
    }
  }

  /** Reads what a store holds already, as if it came in. */
  async #judge({ store, url, expectedDigests = {} }: RegisteredSource): Promise<DataView> {
    const { size } = await this.placement.stat(store, url);
    const generation = await this.incoming.receive(
      this.#owner(),
      {
        size,
        sparse: false,
        validator: undefined,
        resumable: false,
        idleTimeoutMs: SOURCE_IDLE_TIMEOUT,
        open: () => this.placement.open(store, url, this.signal),
      },
      this.#watching(size, Object.keys(expectedDigests)),
    );
    for (const [algorithm, value] of Object.entries(expectedDigests)) {
      assertDigest(generation, algorithm, value);
    }
    return dataView(generation);
  }

  #open(source: StreamSource, offset: number): Promise<Readable> {
    const open = (from: number): Promise<Readable> => source.open(from, this.signal);
    if (!source.resumable || source.validator === undefined) return open(offset);
    return openContinued(open, offset, {
      size: source.size,
      onContinue: (position, reason) => {
        this.log.info('The source broke off; going on behind its last byte', {
          position,
          reason: reason.message,
        });
      },
    });
  }

  async clone({ store, origin }: CloneSource): Promise<CloneOutcome> {
    const { image, signal } = this;
    const found = await this.placement.examine(store, origin, { image, signal });
    const { url, size, obstacles, draft = {} } = found;
    if (obstacles.length > 0) return { placed: undefined, url, size, obstacles, draft };
    const importId = this.of.record.id;
    const placed = await this.placement.clone({ importId, image, store, origin, signal });
    return { placed, url, size, obstacles, draft };
  }

  async adopt(file: string): Promise<DataView> {
    const generation = await this.incoming.adopt(
      this.#owner(),
      file,
      this.#watching(undefined, []),
    );
    return dataView(generation);
  }

  async place(): Promise<PlacedLocation> {
    const { record } = this.of;
    if (this.store === undefined) {
      throw new BugError({
        code: 'NO_STORE',
        message: 'Only a task that runs once for each store can place the data',
      });
    }
    return this.placement.place({
      imageId: record.imageId,
      importId: record.id,
      store: this.store,
      generation: this.#generation(),
      seat: this.of.seat,
      signal: this.signal,
      onProgress: (done, total) => {
        this.progress(done, total);
      },
    });
  }

  /** Of the generation that this task makes. */
  #owner(): IncomingOwner {
    const { record, row, generation } = this.of;
    const number = (generation?.number ?? -1) + 1;
    return {
      ...{ imageId: record.imageId, importId: record.id, position: row.position, number },
      need: (data) => this.of.needOf(data),
    };
  }

  #generation(): Generation {
    if (this.of.generation !== undefined) return this.of.generation;
    throw new ConflictError({
      code: 'NO_DATA',
      message: `Import ${this.importId} holds no bytes at this point`,
      hint: 'Skip the task when `view.data` is undefined',
    });
  }

  /** The digest that the client has announced; one that is not known yet is worth a reading. */
  async #checkExpectedDigest(generation: Generation): Promise<void> {
    const expected = this.of.record.expectedDigest;
    if (expected === null) return;
    const { algorithm, value } = expected;
    if (generation.digests?.[algorithm] !== undefined) {
      assertDigest(generation, algorithm, value);
      return;
    }
    const { digests } = await this.incoming.reread(generation, {
      observers: new Map(),
      digests: [algorithm],
      signal: this.signal,
      onObserverError: () => undefined,
    });
    assertDigest({ ...generation, digests }, algorithm, value);
  }

  #watching(expectedSize: number | undefined, digests: readonly string[]): Watching {
    const observers = new Map<string, ByteObserver>();
    for (const { task, observerKey } of this.of.successors) {
      const observer = task.observe?.({ expectedSize, image: this.image });
      if (observer !== undefined) observers.set(observerKey, observer);
    }
    return {
      observers,
      digests,
      signal: this.signal,
      onProgress: (done, total) => {
        this.progress(done, total);
      },
      onObserverError: (key, error) => {
        this.log.warn('An observer failed; it will be shown the bytes again', {
          observer: key,
          error: String(error),
        });
      },
    };
  }
}

function assertDigest(generation: Generation, algorithm: string, value: string): void {
  const found = generation.digests?.[algorithm];
  if (found === value.toLowerCase()) return;
  throw new IntegrityError({
    code: 'CHECKSUM_MISMATCH',
    message: `The ${algorithm} of the data is "${found ?? 'unknown'}", expected "${value}"`,
    hint: 'Check the digest that you gave, or send the right file',
    details: { algorithm, found: found ?? null, expected: value },
  });
}
