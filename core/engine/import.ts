import type { Failure } from '../base/errors.js';
import type { Json, JsonObject } from '../base/json.js';
import type { Condition } from '../config/config.js';
import type { ImagePatch } from '../image/image.js';
import type { CallerView } from '../plugin/contract/view.js';

/**
 * The durable records of the workflow: an import, its tasks and its events. Plain data; how they may
 * change stands in `states.ts`.
 */
export const IMPORT_STATES = [
  'pending',
  'running',
  'reverting',
  'succeeded',
  'failed',
  'cancelled',
  'revert_failed',
] as const;
export type ImportState = (typeof IMPORT_STATES)[number];

export const TASK_STATES = [
  'pending',
  'waiting',
  'running',
  'succeeded',
  'skipped',
  'failed',
  'cancelled',
  'reverting',
  'reverted',
  'revert_failed',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** One run of the workflow for one image. */
export interface ImportRecord {
  readonly id: string;
  readonly imageId: string;
  readonly method: string;
  /** As the method's schema returned them; without secrets. */
  readonly params: JsonObject;
  readonly stores: readonly string[];
  /** One failed store undoes all. */
  readonly allStoresMustSucceed: boolean;
  readonly data: 'new' | 'existing' | 'none';
  readonly state: ImportState;
  /** The worker that runs it, or that ran it last. */
  readonly epoch: number;
  readonly caller: CallerView;
  readonly requestId: string;
  readonly flow: readonly FlowTask[];
  /** Attributes and `properties.<name>` that a user has changed meanwhile: they win over the draft. */
  readonly userPatched: readonly string[];
  /** Digest in hex that generation 0 must have. */
  readonly expectedDigest: { readonly algorithm: string; readonly value: string } | null;
  readonly idempotencyKey: string | null;
  /** Why it is to stop: asked by a user, or because the image was deleted. */
  readonly cancel: 'user' | 'deleted' | null;
  readonly failure: ImportFailure | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** A {@link Failure} with the task that had it. */
export type ImportFailure = Failure & { readonly task?: string; readonly store?: string };

/** One entry of the frozen flow: everything that a later change of config must not touch. */
export type FlowTask = {
  /** Id of the pipeline entry; with `store`, unique in the flow. */
  readonly entry: string;
  /** Specifier, to load it again. */
  readonly plugin: string;
  /** The plugin's validated config, secrets left out. */
  readonly config: JsonObject;
  /** Target store of a task that runs once for each. */
  readonly store?: string;
  /** Why the flow builder has decided already that the task is skipped. */
  readonly skip?: string;
  readonly when?: Condition;
  readonly replacesData: boolean;
  readonly judgesData: boolean;
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly retry: {
    readonly attempts: number;
    readonly backoffMs: number;
    readonly maxBackoffMs: number;
  };
};

/** How an import went or goes, store by store: as much as its image shows of it. */
export interface ImportOutcome extends Pick<
  ImportRecord,
  'id' | 'imageId' | 'method' | 'state' | 'stores'
> {
  readonly tasks: readonly Pick<TaskRecord, 'store' | 'state'>[];
}

/** One plugin's turn in one import. */
export interface TaskRecord {
  readonly importId: string;
  /** Place in the flow, from 0. */
  readonly position: number;
  readonly entry: string;
  readonly plugin: string;
  readonly store: string | null;
  readonly state: TaskState;
  /** Executions begun; 0 before the first. */
  readonly attempt: number;
  /** Those begun before the bytes of its result last came further: they do not count any more. */
  readonly countedFrom: number;
  /** Of the others, those that ended in a transient failure; what is more was ended by a restart. */
  readonly retries: number;
  /** Bytes of its result that were durable when its attempts were last counted anew. */
  readonly reached: number;
  readonly checkpoint: Json | null;
  readonly draft: ImagePatch | null;
  readonly output: JsonObject | null;
  /** Bytes that a guest sees, as the task has found. */
  readonly virtualSize: number | null;
  /** Of what it has put into stores by itself. */
  readonly size: number | null;
  /** Why it was skipped or is waiting; for people. */
  readonly reason: string | null;
  readonly failure: Failure | null;
  readonly progressDone: number | null;
  readonly progressTotal: number | null;
  /** Not to be tried again before. */
  readonly retryAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** One state change, numbered from 1 per import. */
export interface ImportEvent {
  readonly importId: string;
  readonly sequence: number;
  readonly at: Date;
  /** For example `import.succeeded`, `task.running`. */
  readonly type: string;
  readonly data: JsonObject;
}
