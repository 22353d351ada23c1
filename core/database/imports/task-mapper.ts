import type { TaskRecord } from '../../engine/import.js';
import type { TaskChange } from '../../engine/ports.js';
import { defined, ifDefined } from '../columns.js';
import type { Columns } from '../columns.js';
import type { TaskRow } from '../entities/task-row.js';
import {
  fromCount,
  fromNullableCount,
  fromNullableTime,
  toCount,
  toNullableCount,
  toNullableTime,
} from '../numbers.js';
import { taskJson } from './import-json.js';

export function toTask(row: TaskRow): TaskRecord {
  return {
    importId: row.importId,
    position: row.position,
    entry: row.entry,
    plugin: row.plugin,
    store: row.store,
    state: row.state,
    attempt: row.attempt,
    retries: row.retries,
    countedFrom: row.countedFrom,
    reached: fromCount('tasks.reached', row.reached),
    checkpoint: taskJson.checkpoint.readNullable(row.checkpoint),
    draft: taskJson.draft.readNullable(row.draft),
    output: taskJson.output.readNullable(row.output),
    virtualSize: fromNullableCount('tasks.virtual_size', row.virtualSize),
    size: fromNullableCount('tasks.size', row.size),
    reason: row.reason,
    failure: taskJson.failure.readNullable(row.failure),
    progressDone: row.progressDone,
    progressTotal: row.progressTotal,
    retryAt: fromNullableTime(row.retryAt),
    startedAt: fromNullableTime(row.startedAt),
    finishedAt: fromNullableTime(row.finishedAt),
  };
}

export function toTaskRow(record: TaskRecord): Columns<TaskRow> {
  return {
    importId: record.importId,
    position: toCount('tasks.position', record.position),
    entry: record.entry,
    plugin: record.plugin,
    store: record.store,
    state: record.state,
    attempt: toCount('tasks.attempt', record.attempt),
    retries: toCount('tasks.retries', record.retries),
    countedFrom: toCount('tasks.counted_from', record.countedFrom),
    reached: toCount('tasks.reached', record.reached),
    checkpoint: taskJson.checkpoint.writeNullable(record.checkpoint),
    draft: taskJson.draft.writeNullable(record.draft),
    output: taskJson.output.writeNullable(record.output),
    virtualSize: toNullableCount('tasks.virtual_size', record.virtualSize),
    size: toNullableCount('tasks.size', record.size),
    reason: record.reason,
    failure: taskJson.failure.writeNullable(record.failure),
    progressDone: record.progressDone,
    progressTotal: record.progressTotal,
    retryAt: toNullableTime(record.retryAt),
    startedAt: toNullableTime(record.startedAt),
    finishedAt: toNullableTime(record.finishedAt),
  };
}

/** The columns that a change names. */
export function toTaskColumns(change: TaskChange): Partial<TaskRow> {
  return defined({
    state: change.state,
    attempt: ifDefined(change.attempt, (attempt) => toCount('tasks.attempt', attempt)),
    retries: ifDefined(change.retries, (retries) => toCount('tasks.retries', retries)),
    countedFrom: ifDefined(change.countedFrom, (from) => toCount('tasks.counted_from', from)),
    reached: ifDefined(change.reached, (reached) => toCount('tasks.reached', reached)),
    checkpoint: ifDefined(change.checkpoint, (value) => taskJson.checkpoint.writeNullable(value)),
    draft: ifDefined(change.draft, (draft) => taskJson.draft.writeNullable(draft)),
    output: ifDefined(change.output, (output) => taskJson.output.writeNullable(output)),
    virtualSize: ifDefined(change.virtualSize, (size) =>
      toNullableCount('tasks.virtual_size', size),
    ),
    size: ifDefined(change.size, (size) => toNullableCount('tasks.size', size)),
    reason: change.reason,
    failure: ifDefined(change.failure, (failure) => taskJson.failure.writeNullable(failure)),
    progressDone: change.progressDone,
    progressTotal: change.progressTotal,
    retryAt: ifDefined(change.retryAt, toNullableTime),
    startedAt: ifDefined(change.startedAt, toNullableTime),
    finishedAt: ifDefined(change.finishedAt, toNullableTime),
  });
}
