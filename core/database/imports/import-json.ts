import { z } from 'zod';
import type { Failure } from '../../base/errors.js';
import type { Condition } from '../../config/config.js';
import { TASK_STATES } from '../../engine/import.js';
import type { FlowTask, ImportFailure, ImportOutcome, ImportRecord } from '../../engine/import.js';
import { CONTAINER_FORMATS, DISK_FORMATS, VISIBILITIES } from '../../image/image.js';
import type { ImagePatch } from '../../image/image.js';
import type { CallerView } from '../../plugin/contract/view.js';
import { failureSchema, jsonColumn, jsonObjectSchema, jsonSchema } from '../json-column.js';

const strings = z.array(z.string());

const caller = z.looseObject({
  userId: z.string().nullable(),
  projectId: z.string().nullable(),
  roles: strings,
}) satisfies z.ZodType<CallerView>;

const condition = z.looseObject({
  diskFormat: strings.exactOptional(),
  containerFormat: strings.exactOptional(),
  size: z
    .looseObject({ min: z.number().exactOptional(), max: z.number().exactOptional() })
    .exactOptional(),
  project: strings.exactOptional(),
  role: strings.exactOptional(),
  method: strings.exactOptional(),
  store: strings.exactOptional(),
  property: z.record(z.string(), strings).exactOptional(),
}) satisfies z.ZodType<Condition>;

const flowTask = z.looseObject({
  entry: z.string(),
  plugin: z.string(),
  config: jsonObjectSchema,
  store: z.string().exactOptional(),
  skip: z.string().exactOptional(),
  when: condition.exactOptional(),
  replacesData: z.boolean(),
  judgesData: z.boolean(),
  timeoutMs: z.number(),
  concurrency: z.number(),
  retry: z.looseObject({
    attempts: z.number(),
    backoffMs: z.number(),
    maxBackoffMs: z.number(),
  }),
}) satisfies z.ZodType<FlowTask>;

const importFailure = failureSchema.extend({
  task: z.string().exactOptional(),
  store: z.string().exactOptional(),
}) satisfies z.ZodType<ImportFailure>;

const expectedDigest = z.object({ algorithm: z.string(), value: z.string() });

const propertyChanges = z.custom<Readonly<Record<string, string | null>>>(
  (value) =>
    jsonObjectSchema.safeParse(value).success &&
    Object.values(value as object).every((member) => member === null || typeof member === 'string'),
  'expected an object of strings and nulls',
);

const patch = z.looseObject({
  name: z.string().nullable().exactOptional(),
  visibility: z.enum(VISIBILITIES).exactOptional(),
  owner: z.string().nullable().exactOptional(),
  diskFormat: z.enum(DISK_FORMATS).nullable().exactOptional(),
  containerFormat: z.enum(CONTAINER_FORMATS).nullable().exactOptional(),
  minDisk: z.number().exactOptional(),
  minRam: z.number().exactOptional(),
  protected: z.boolean().exactOptional(),
  osHidden: z.boolean().exactOptional(),
  tags: strings.exactOptional(),
  properties: propertyChanges.exactOptional(),
}) satisfies z.ZodType<ImagePatch>;

/** The JSON columns of `imports`. */
export const importJson = {
  params: jsonColumn('imports.params', jsonObjectSchema),
  stores: jsonColumn<readonly string[]>('imports.stores', strings),
  caller: jsonColumn<CallerView>('imports.caller', caller),
  flow: jsonColumn<readonly FlowTask[]>('imports.flow', z.array(flowTask)),
  userPatched: jsonColumn<readonly string[]>('imports.user_patched', strings),
  expectedDigest: jsonColumn<NonNullable<ImportRecord['expectedDigest']>>(
    'imports.expected_digest',
    expectedDigest,
  ),
  failure: jsonColumn<ImportFailure>('imports.failure', importFailure),
};

/** The JSON columns of `tasks`. */
export const taskJson = {
  checkpoint: jsonColumn('tasks.checkpoint', jsonSchema),
  draft: jsonColumn<ImagePatch>('tasks.draft', patch),
  output: jsonColumn('tasks.output', jsonObjectSchema),
  failure: jsonColumn<Failure>('tasks.failure', failureSchema),
};

/** What {@link ImportOutcome} tells of tasks, as one column. */
export const outcomeJson = {
  tasks: jsonColumn<ImportOutcome['tasks']>(
    'tasks.state',
    z.array(z.object({ store: z.string().nullable(), state: z.enum(TASK_STATES) })),
  ),
};

/** The JSON column of `import_events`. */
export const eventJson = { data: jsonColumn('import_events.data', jsonObjectSchema) };
