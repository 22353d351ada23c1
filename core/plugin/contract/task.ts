import type { Readable } from 'node:stream';
import type { Json, JsonObject } from '../../base/json.js';
import type { ImagePatch } from '../../image/image.js';
import type { CloneSource, DataSource } from './source.js';
import type { PlacedLocation } from './store.js';
import type { CallerView, DataView, RequestView, TaskView } from './view.js';
import type { Image } from '../../image/image.js';
import type { PluginLog } from './services.js';

/**
 * One plugin's turn in an import. Plain class, constructed once with the services that its manifest
 * lists; keeps no state on `this` between calls, since a restart may come between any two of them.
 */
export interface ImportTask {
  /** Why this import does not need the task; `undefined` when it does. Pure. */
  skipReason?(view: TaskView): string | undefined;

  /** Bytes of staging that {@link execute} needs at most. Pure. @default 0 */
  workspace?(view: TaskView): number;

  /**
   * Watches the bytes of every generation as they pass. Its result is a fact that reaches
   * {@link execute} as `observation`; to refuse an image, throw there.
   */
  observe?(view: ObserveView): ByteObserver;

  /**
   * Does the work. May run again after a crash at any point, with the same view, `attempt` + 1 and
   * the last checkpoint; the second run must end in the same state as one.
   */
  execute(context: TaskContext): Promise<TaskResult>;

  /**
   * Undoes the effects that {@link execute} has had outside Stowage. Called after a later failure or
   * a cancel, also where `execute` did not finish; succeeds where there is nothing to undo, and may
   * run twice. The image, staging and the locations are the engine's to undo.
   */
  revert?(context: RevertContext): Promise<void>;
}

/** What is known when bytes begin to pass; sizes and digests are not. */
export interface ObserveView {
  /** Bytes to come, where the sender has said. */
  readonly expectedSize: number | undefined;
  readonly image: Image;
}

/** Sees every byte of one generation once, in order. Runs on the event loop: be quick. */
export interface ByteObserver {
  /** Takes the next bytes; must not keep a reference to `chunk` or write to it. */
  update(chunk: Uint8Array): void;
  /** Called once after the last byte; what it returns is kept with the generation. */
  finish(): Json;
}

/** What a task has at hand while it runs. */
export interface TaskContext extends TaskView {
  /** Counted from 1 over restarts and retries. */
  readonly attempt: number;
  /** What the last {@link checkpoint} of an earlier attempt saved. */
  readonly resumeFrom: Json | undefined;
  /** Aborted on cancel, time-out and shutdown; reject with `signal.reason` soon after. */
  readonly signal: AbortSignal;
  readonly log: PluginLog;

  /** Says how far the work is, in bytes or any unit of the task's own; cheap, call it often. */
  progress(done: number, total?: number): void;

  /** Saves a position durably; a later attempt finds it as `resumeFrom`. */
  checkpoint(position: Json): Promise<void>;

  /**
   * Absolute path of the current generation's file, for reading only.
   * @throws {ConflictError} `NO_DATA` where the import holds no bytes.
   */
  dataPath(): string;

  /** Opens the current generation from `offset`; the reader closes it. */
  openData(offset?: number): Readable;

  /**
   * Absolute path for a file of the task's own, below a directory that is empty at the first attempt
   * and goes away with the task. Bytes written count against {@link ImportTask.workspace}.
   */
  workspacePath(name: string): Promise<string>;

  /** The source of the import's method. Only the first task of a pipeline has it. */
  source(): Promise<DataSource>;

  /**
   * Makes the next generation from a source; the engine reads, digests and inspects it on the way.
   * Any task that replaces the data may do so with a stream of bytes that it makes: staging is
   * reserved for `size` at once, or where that is not known as the bytes come, so that the task has
   * no workspace to declare for them. Zeros take no disk.
   * @throws {CapacityError} `STAGING_FULL` (another attempt comes later) or `STAGING_TOO_SMALL`, both
   * with the numbers
   */
  stage(source: DataSource): Promise<DataView | undefined>;

  /**
   * Makes the image of something that a storage holds, inside that storage. Where there are obstacles
   * nothing is made, and {@link stage} reads the bytes, of the same source or of one that is
   * `registered` at `url`.
   * @throws {NotFoundError} as {@link CloningStore.examine}
   */
  clone(source: CloneSource): Promise<CloneOutcome>;

  /** Makes the next generation from a whole file of the task's workspace, without copying it. */
  adopt(path: string): Promise<DataView>;

  /**
   * Puts the current generation into {@link TaskView.store}: linked where store and staging share a
   * file system, copied or sent otherwise. Repeating it is harmless.
   */
  place(): Promise<PlacedLocation>;
}

/** What has come of a clone inside a storage. */
export interface CloneOutcome {
  /** The location that was made; `undefined` where there are obstacles. */
  readonly placed: PlacedLocation | undefined;
  /** Where the store reads the bytes of what was to be cloned. */
  readonly url: string;
  /** Bytes of the disk. */
  readonly size: number;
  readonly obstacles: readonly string[];
  /** What the image becomes beside its bytes, for {@link TaskResult.draft}. */
  readonly draft: ImagePatch;
}

/** What a task asks the engine to commit together with its success. */
export interface TaskResult {
  /** Changes to the image; applied at activation, and only then visible. */
  readonly draft?: ImagePatch;
  /** Bytes that a guest sees; published as `virtual_size` at activation. */
  readonly virtualSize?: number;
  /**
   * Bytes that the {@link locations} hold, where none of them came through the import; published as
   * `size` at activation.
   */
  readonly size?: number;
  /** Facts for people and for the event log. */
  readonly output?: JsonObject;
  /**
   * Locations that the task made by itself, for example by a clone inside a storage. The tasks that
   * would put bytes into the same stores are skipped.
   */
  readonly locations?: readonly TaskLocation[];
}

export interface TaskLocation {
  readonly store: string;
  readonly url: string;
  readonly metadata?: JsonObject;
}

/** What a task has at hand when it undoes its effects. */
export interface RevertContext {
  readonly importId: string;
  readonly image: Image;
  readonly request: RequestView;
  readonly caller: CallerView;
  /** The id of the store that the task served. */
  readonly store: string | undefined;
  /** What `execute` returned as `output`; `undefined` where it did not finish. */
  readonly output: JsonObject | undefined;
  /** The last checkpoint of `execute`. */
  readonly checkpoint: Json | undefined;
  /** Aborted when the time for reverting is over. */
  readonly signal: AbortSignal;
  readonly log: PluginLog;
}
