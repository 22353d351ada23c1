import { z } from 'zod';
import {
  LOCATION_TASK_TYPE,
  TASK_STATUSES,
  TASK_TYPE,
  taskStatusOf,
  taskTypeOf,
} from '../../engine/api-task.js';
import type { ImportRecord, TaskRecord } from '../../engine/import.js';
import type { ImportDetail, TaskProgress } from '../../engine/service.js';
import { maskSecrets } from '../../telemetry/mask.js';
import { progressOf } from './progress.js';
import { presentTime } from './time.js';
import { PATH, TEXTS, TIME, UUID } from './wire-types.js';

export const TASK_STUB = z.strictObject({
  id: UUID,
  type: z.enum([TASK_TYPE, LOCATION_TASK_TYPE]),
  status: z.enum(TASK_STATUSES),
  owner: z.string().nullable(),
  image_id: UUID,
  request_id: z.string(),
  user_id: z.string().exactOptional(),
  created_at: TIME,
  updated_at: TIME,
  expires_at: TIME.exactOptional(),
  self: PATH,
  schema: PATH,
});

export const TASK = TASK_STUB.extend({
  message: z.string(),
  input: z.strictObject({
    image_id: UUID,
    import_req: z.strictObject({
      method: z.looseObject({ name: z.string() }),
      stores: TEXTS,
      all_stores_must_succeed: z.boolean(),
    }),
  }),
  result: z.strictObject({ image_id: UUID }).nullable(),
});

export const TASKS = z.strictObject({
  tasks: z.array(TASK_STUB),
  first: PATH,
  next: PATH.exactOptional(),
  schema: PATH,
});

/** Without pages. */
export const TASKS_OF_IMAGE = z.strictObject({ tasks: z.array(TASK) });

/** An import as a task of the Image API, as lists of tasks show it. @param retentionMs of imports */
export function presentTaskStub(
  record: ImportRecord,
  retentionMs: number,
): z.output<typeof TASK_STUB> {
  const { finishedAt } = record;
  return {
    id: record.id,
    type: taskTypeOf(record),
    status: taskStatusOf(record),
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
): z.output<typeof TASK> {
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
