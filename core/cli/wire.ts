import { z } from 'zod';
import { ERROR_CLASSES } from '../base/errors.js';

/**
 * What the CLI reads of the server's answers. Keys that it does not know are left alone, so that an
 * older CLI can talk to a newer server.
 */
const Count = z.number();

export const FailureResource = z.looseObject({
  class: z.enum(ERROR_CLASSES).catch('permanent'),
  code: z.string(),
  message: z.string(),
  hint: z.string().optional().nullable(),
  causes: z.array(z.string()).optional().nullable(),
  task: z.string().optional().nullable(),
  store: z.string().optional().nullable(),
});
export type FailureResource = z.output<typeof FailureResource>;

const ProgressResource = z.looseObject({
  done: Count,
  total: Count.nullable(),
  percent: Count.nullable().optional(),
  rate: Count.nullable().optional(),
  eta_seconds: Count.nullable().optional(),
});
export type ProgressResource = z.output<typeof ProgressResource>;

export const TaskResource = z.looseObject({
  position: Count,
  name: z.string(),
  store: z.string().nullable().optional(),
  state: z.string(),
  attempt: Count,
  reason: z.string().nullable().optional(),
  progress: ProgressResource.nullable().optional(),
  failure: FailureResource.nullable().optional(),
  retry_at: z.string().nullable().optional(),
  started_at: z.string().nullable().optional(),
  finished_at: z.string().nullable().optional(),
});
export type TaskResource = z.output<typeof TaskResource>;

export const ImportResource = z.looseObject({
  id: z.string(),
  image_id: z.string(),
  method: z.string(),
  stores: z.array(z.string()),
  state: z.string(),
  waiting_reason: z.string().nullable().optional(),
  created_at: z.string(),
  started_at: z.string().nullable().optional(),
  finished_at: z.string().nullable().optional(),
  failure: FailureResource.nullable().optional(),
  tasks: z.array(TaskResource).default([]),
});
export type ImportResource = z.output<typeof ImportResource>;

export const ImportList = z.looseObject({ imports: z.array(ImportResource) });

export const ProgressEvent = ProgressResource.extend({ position: Count });

export const PlanResource = z.looseObject({
  method: z.string(),
  stores: z.array(z.string()),
  workspace: Count.nullable().optional(),
  tasks: z.array(
    z.looseObject({
      plugin: z.string().optional(),
      name: z.string().optional(),
      entry: z.string().optional(),
      store: z.string().nullable().optional(),
      skip: z.string().nullable().optional(),
      workspace: Count.nullable().optional(),
    }),
  ),
});

export const ImageResource = z.looseObject({
  id: z.string(),
  name: z.string().nullable(),
  status: z.string(),
  disk_format: z.string().nullable(),
  container_format: z.string().nullable(),
  size: Count.nullable(),
  virtual_size: Count.nullable(),
});
export type ImageResource = z.output<typeof ImageResource>;

export const ErrorBody = z.looseObject({ error: FailureResource });

/** States in which an import changes no more by itself. */
export const FINAL_STATES: readonly string[] = [
  'succeeded',
  'failed',
  'cancelled',
  'revert_failed',
];
