import type { JsonObject } from '../../base/json.js';
import type { ImportRecord, ImportState, TaskRecord } from '../../engine/import.js';
import type { ImportDetail, TaskProgress } from '../../engine/service.js';
import { maskSecrets } from '../../telemetry/mask.js';
import { LOCATION_METHOD } from '../../catalogue/locations.js';
import { progressOf } from './progress.js';
import { presentTime } from './time.js';

/** Statuses of the Image API's tasks. */
export const TASK_STATUSES = ['pending', 'processing', 'success', 'failure'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** Types of tasks: imports, and registrations of locations. */
export const TASK_TYPE = 'api_image_import';
export const LOCATION_TASK_TYPE = 'location_import';

const STATUS_BY_STATE: Record<ImportState, TaskStatus> = {
  pending: 'pending',
  running: 'processing',
  reverting: 'processing',
  succeeded: 'success',
  failed: 'failure',
  cancelled: 'failure',
  revert_failed: 'failure',
};

/** The states of imports that a status of tasks stands for. */
export function statesOf(status: TaskStatus): readonly ImportState[] {
  const states = Object.keys(STATUS_BY_STATE) as ImportState[];
  return states.filter((state) => STATUS_BY_STATE[state] === status);
}

/** An import as a task of the Image API, as lists of tasks show it. @param retentionMs of imports */
export function presentTaskStub(record: ImportRecord, retentionMs: number): JsonObject {
  const { finishedAt } = record;
  return {
    id: record.id,
    type: typeOf(record),
    status: STATUS_BY_STATE[record.state],
    owner: record.caller.projectId,
    image_id: record.imageId,
    request_id: record.requestId,
    ...(record.caller.userId === null ? {} : { user_id: record.caller.userId }),
    created_at: presentTime(record.createdAt),
    updated_at: presentTime(finishedAt ?? record.startedAt ?? record.createdAt),
    ...(finishedAt === null
      ? {}
      : { expires_at: presentTime(new Date(finishedAt.getTime() + retentionMs)) }),
    self: `/v2/tasks/${record.id}`,
    schema: '/v2/schemas/task',
  };
}

/** An import as a task of the Image API, whole. */
export function presentTaskOfImport(
  detail: ImportDetail,
  live: readonly TaskProgress[],
  retentionMs: number,
): JsonObject {
  const { import: record } = detail;
  return {
    ...presentTaskStub(record, retentionMs),
    message: messageOf(detail, live),
    input: {
      image_id: record.imageId,
      import_req: {
        method: { name: record.method, ...maskSecrets(record.params) },
        stores: record.stores,
        all_stores_must_succeed: record.allStoresMustSucceed,
      },
    },
    result: record.state === 'succeeded' ? { image_id: record.imageId } : null,
  };
}

function typeOf({ method }: ImportRecord): string {
  return method === LOCATION_METHOD ? LOCATION_TASK_TYPE : TASK_TYPE;
}

/** What a person would like to read: what runs and how far it is, or why it ended. */
function messageOf({ import: record, tasks }: ImportDetail, live: readonly TaskProgress[]): string {
  const { failure } = record;
  if (failure !== null) {
    const where = failure.task === undefined ? '' : `${failure.task}: `;
    return [`${where}${failure.message}`, failure.hint].filter(Boolean).join('. ');
  }
  if (record.state === 'cancelled') return 'Cancelled';
  if (record.state === 'succeeded') return '';
  return tasks
    .filter(({ state }) => state === 'running' || state === 'waiting')
    .map((task) => taskMessage(task, live))
    .join('; ');
}

function taskMessage(task: TaskRecord, live: readonly TaskProgress[]): string {
  const name = task.store === null ? task.entry : `${task.entry} (${task.store})`;
  if (task.state === 'waiting') return `${name}: waiting, ${task.reason ?? 'no reason given'}`;
  const progress = progressOf(task, live);
  if (progress === undefined) return name;
  const { done, total } = progress;
  const percent = total === null || total <= 0 ? '' : ` of ${total} (${percentText(done, total)})`;
  return `${name}: ${done}${percent}`;
}

function percentText(done: number, total: number): string {
  return `${Math.floor((done / total) * 100)} %`;
}
