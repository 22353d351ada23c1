import { z } from 'zod';
import { ERROR_CLASSES } from '../../base/errors.js';
import type { Failure } from '../../base/errors.js';
import { IMPORT_STATES, TASK_STATES } from '../../engine/import.js';
import type { ImportFailure, ImportRecord, TaskRecord } from '../../engine/import.js';
import type { ImportDetail, ImportPlan, TaskProgress } from '../../engine/service.js';
import { maskSecrets } from '../../telemetry/mask.js';
import { PROGRESS, presentProgress, progressOf, sumProgress } from './progress.js';
import { BYTES, COUNT, EXACT_TIME, JSON_OBJECT, PATH, TEXTS, UUID } from './wire-types.js';

const TASK_FAILURE = z.strictObject({
  class: z.enum(ERROR_CLASSES),
  code: z.string(),
  message: z.string(),
  hint: z.string().nullable(),
  details: JSON_OBJECT,
  causes: TEXTS,
});

const IMPORT_FAILURE = TASK_FAILURE.extend({
  task: z.string().nullable(),
  store: z.string().nullable(),
});

const IMPORT_TASK = z.strictObject({
  position: COUNT,
  name: z.string(),
  plugin: z.string(),
  store: z.string().nullable(),
  state: z.enum(TASK_STATES),
  attempt: COUNT,
  reason: z.string().nullable(),
  progress: PROGRESS.nullable(),
  output: JSON_OBJECT.nullable(),
  failure: TASK_FAILURE.nullable(),
  retry_at: EXACT_TIME.nullable(),
  started_at: EXACT_TIME.nullable(),
  finished_at: EXACT_TIME.nullable(),
});

export const IMPORT = z.strictObject({
  id: UUID,
  image_id: UUID,
  method: z.string(),
  params: JSON_OBJECT,
  stores: TEXTS,
  all_stores_must_succeed: z.boolean(),
  state: z.enum(IMPORT_STATES),
  waiting_reason: z.string().nullable(),
  cancel: z.enum(['user', 'deleted']).nullable(),
  created_at: EXACT_TIME,
  started_at: EXACT_TIME.nullable(),
  finished_at: EXACT_TIME.nullable(),
  request_id: z.string(),
  bytes: PROGRESS.omit({ percent: true }).nullable(),
  failure: IMPORT_FAILURE.nullable(),
  tasks: z.array(IMPORT_TASK),
});

export const IMPORTS = z.strictObject({ imports: z.array(IMPORT), next: PATH.exactOptional() });

export const PLAN = z.strictObject({
  method: z.string(),
  stores: TEXTS,
  tasks: z.array(
    z.strictObject({
      position: COUNT,
      name: z.string(),
      plugin: z.string(),
      store: z.string().nullable(),
      skip: z.string().nullable(),
      workspace: BYTES,
    }),
  ),
  workspace: BYTES,
  staging: z.strictObject({ capacity: BYTES, reserved: BYTES, available: BYTES }),
});

/** An import with its tasks, as Stowage's own resource shows it. Times have milliseconds. */
export function presentImport(
  detail: ImportDetail,
  live: readonly TaskProgress[],
): z.output<typeof IMPORT> {
  const { import: record, tasks } = detail;
  return {
    id: record.id,
    image_id: record.imageId,
    method: record.method,
    // A signed URL gives whoever reads it the right to read the image.
    params: maskSecrets(record.params),
    stores: record.stores,
    all_stores_must_succeed: record.allStoresMustSucceed,
    state: record.state,
    waiting_reason: waitingReason(record, tasks),
    cancel: record.cancel,
    created_at: record.createdAt.toISOString(),
    started_at: timeOrNull(record.startedAt),
    finished_at: timeOrNull(record.finishedAt),
    request_id: record.requestId,
    bytes: bytesOf(tasks, live),
    failure: presentFailure(record.failure),
    tasks: tasks.map((task) => presentTask(task, live)),
  };
}

/** What an import would do. */
export function presentPlan(plan: ImportPlan): z.output<typeof PLAN> {
  const { capacity, reserved } = plan.staging;
  return {
    method: plan.method,
    stores: plan.stores,
    tasks: plan.tasks.map((task, position) => ({
      position,
      name: task.entry,
      plugin: task.plugin,
      store: task.store ?? null,
      skip: task.skip ?? null,
      workspace: task.workspace,
    })),
    workspace: plan.workspace,
    staging: { capacity, reserved, available: Math.max(0, capacity - reserved) },
  };
}

/** A failure, whole; `null` where there is none. */
export function presentFailure(
  failure: ImportFailure | null,
): z.output<typeof IMPORT_FAILURE> | null {
  if (failure === null) return null;
  return {
    ...presentTaskFailure(failure),
    task: failure.task ?? null,
    store: failure.store ?? null,
  };
}

function presentTask(
  task: TaskRecord,
  live: readonly TaskProgress[],
): z.output<typeof IMPORT_TASK> {
  const progress = progressOf(task, live);
  return {
    position: task.position,
    name: task.entry,
    plugin: task.plugin,
    store: task.store,
    state: task.state,
    attempt: task.attempt,
    reason: task.reason,
    progress: progress === undefined ? null : presentProgress(progress),
    output: task.output,
    failure: task.failure === null ? null : presentTaskFailure(task.failure),
    retry_at: timeOrNull(task.retryAt),
    started_at: timeOrNull(task.startedAt),
    finished_at: timeOrNull(task.finishedAt),
  };
}

function presentTaskFailure(failure: Failure): z.output<typeof TASK_FAILURE> {
  return {
    class: failure.class,
    code: failure.code,
    message: failure.message,
    hint: failure.hint ?? null,
    details: failure.details ?? {},
    causes: failure.causes ?? [],
  };
}

function waitingReason(record: ImportRecord, tasks: readonly TaskRecord[]): string | null {
  if (record.finishedAt !== null) return null;
  const waiting = tasks.find(({ state }) => state === 'waiting');
  if (waiting !== undefined) return waiting.reason;
  const queued = tasks.find(({ state, reason }) => state === 'pending' && reason !== null);
  return queued?.reason ?? null;
}

function bytesOf(
  tasks: readonly TaskRecord[],
  live: readonly TaskProgress[],
): z.output<typeof IMPORT>['bytes'] {
  const running = tasks.filter(({ state }) => state === 'running');
  const sum = sumProgress(running.flatMap((task) => progressOf(task, live) ?? []));
  if (sum === undefined) return null;
  const { done, total, rate, eta_seconds } = presentProgress(sum);
  return { done, total, rate, eta_seconds };
}

function timeOrNull(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
