import type { ImportRecord, ImportState } from './import.js';

/** An import as the Image API knows it, as a task: its type and its status. */

export const TASK_STATUSES = ['pending', 'processing', 'success', 'failure'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const TASK_TYPE = 'api_image_import';
export const LOCATION_TASK_TYPE = 'location_import';
export type TaskType = typeof TASK_TYPE | typeof LOCATION_TASK_TYPE;

/** The method by which a registered location is taken in. */
export const LOCATION_METHOD = 'location-import';

const STATUS_BY_STATE: Record<ImportState, TaskStatus> = {
  pending: 'pending',
  running: 'processing',
  reverting: 'processing',
  succeeded: 'success',
  failed: 'failure',
  cancelled: 'failure',
  revert_failed: 'failure',
};

export function taskStatusOf({ state }: Pick<ImportRecord, 'state'>): TaskStatus {
  return STATUS_BY_STATE[state];
}

/** The states of imports that a status of tasks stands for. */
export function statesOf(status: TaskStatus): readonly ImportState[] {
  const states = Object.keys(STATUS_BY_STATE) as ImportState[];
  return states.filter((state) => STATUS_BY_STATE[state] === status);
}

export function taskTypeOf({ method }: Pick<ImportRecord, 'method'>): TaskType {
  return method === LOCATION_METHOD ? LOCATION_TASK_TYPE : TASK_TYPE;
}
