import type { Failure } from '../../base/errors.js';
import type { JsonObject } from '../../base/json.js';
import type { ImportFailure, ImportRecord, TaskRecord } from '../../engine/import.js';
import type { ImportDetail, ImportPlan, TaskProgress } from '../../engine/service.js';
import { maskSecrets } from '../../telemetry/mask.js';
import { presentProgress, progressOf, sumProgress } from './progress.js';

/** An import with its tasks, as Stowage's own resource shows it. Times have milliseconds. */
export function presentImport(detail: ImportDetail, live: readonly TaskProgress[]): JsonObject {
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
export function presentPlan(plan: ImportPlan): JsonObject {
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
export function presentFailure(failure: ImportFailure | null): JsonObject | null {
  if (failure === null) return null;
  return {
    ...presentTaskFailure(failure),
    task: failure.task ?? null,
    store: failure.store ?? null,
  };
}

function presentTask(task: TaskRecord, live: readonly TaskProgress[]): JsonObject {
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

function presentTaskFailure(failure: Failure): JsonObject {
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

function bytesOf(tasks: readonly TaskRecord[], live: readonly TaskProgress[]): JsonObject | null {
  const running = tasks.filter(({ state }) => state === 'running');
  const sum = sumProgress(running.flatMap((task) => progressOf(task, live) ?? []));
  if (sum === undefined) return null;
  const { done, total, rate, eta_seconds } = presentProgress(sum);
  return { done, total, rate, eta_seconds };
}

function timeOrNull(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
