import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { BugError } from '../../base/errors.js';
import type { Json } from '../../base/json.js';
import type { PluginLog } from '../../plugin/contract/services.js';
import type { CloneSource, DataSource } from '../../plugin/contract/source.js';
import type { PlacedLocation } from '../../plugin/contract/store.js';
import type { CloneOutcome, TaskContext } from '../../plugin/contract/task.js';
import type { DataView, TaskView } from '../../plugin/contract/view.js';
import { StagingArea } from '../../staging/area.js';
import type { Incoming } from '../bytes/incoming.js';
import type { Placement } from '../bytes/placement.js';
import type { Journal } from '../journal.js';
import type { Attempt } from './attempt.js';
import { TaskBytes } from './task-bytes.js';

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
  readonly #bytes: TaskBytes;

  constructor(
    private readonly of: Attempt,
    private readonly journal: Journal,
    incoming: Incoming,
    private readonly placement: Placement,
    private readonly staging: StagingArea,
  ) {
    const { view, row } = of;
    this.#bytes = new TaskBytes(of, incoming, placement);
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
    return this.staging.pathOf(this.#bytes.generation());
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

  stage(source: DataSource): Promise<DataView | undefined> {
    return this.#bytes.stage(source);
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

  adopt(file: string): Promise<DataView> {
    return this.#bytes.adopt(file);
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
      generation: this.#bytes.generation(),
      seat: this.of.seat,
      signal: this.signal,
      onProgress: (done, total) => {
        this.progress(done, total);
      },
    });
  }
}
