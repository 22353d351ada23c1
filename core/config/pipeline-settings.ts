import { z } from 'zod';
import { CONTAINER_FORMATS, DISK_FORMATS } from '../image/image.js';
import { byteSize, duration } from './types.js';

/** The part of a plugin, method or store: any JSON; its own schema judges it when it is loaded. */
export const PluginPart = z.record(z.string(), z.json());

/** One value or a list of them; a list holds when one of its members does. */
function oneOrMore<T extends z.ZodType>(
  value: T,
): z.ZodType<readonly z.output<T>[], z.input<T> | z.input<T>[]> {
  return z
    .union([value, z.array(value).min(1)])
    .transform((found) =>
      Array.isArray(found) ? (found as z.output<T>[]) : [found as z.output<T>],
    );
}

const Text = z.string().min(1);

export const RetrySettings = {
  attempts: z
    .int()
    .min(1)
    .max(100)
    .describe('Attempts in a row that bring nothing further; 1 means no retry'),
  backoff: duration({ min: 1 }).describe('Wait before the second attempt; doubles each time'),
  max_backoff: duration({ min: 1 }).describe('Longest wait between two attempts'),
};

export const ConditionSettings = z
  .strictObject({
    disk_format: oneOrMore(z.enum(DISK_FORMATS)).optional().describe('Of the image'),
    container_format: oneOrMore(z.enum(CONTAINER_FORMATS)).optional().describe('Of the image'),
    size: z
      .strictObject({
        min: byteSize().optional().describe('At least so many bytes, where the size is known'),
        max: byteSize().optional().describe('At most so many bytes'),
      })
      .optional()
      .describe('Bytes of the data, where they are known; both ends count'),
    project: oneOrMore(Text).optional().describe('Ids of the caller’s project'),
    role: oneOrMore(Text).optional().describe('Roles of the caller'),
    method: oneOrMore(Text).optional().describe('Import methods; `upload` is `PUT …/file`'),
    store: oneOrMore(Text).optional().describe('Ids of target stores'),
    property: z
      .record(z.string(), oneOrMore(z.union([z.string(), z.number(), z.boolean()])))
      .optional()
      .describe('Image properties with one of the values'),
  })
  .describe('Every part that is given must hold; a list holds when one of its members does');
export type ConditionSettings = z.output<typeof ConditionSettings>;

const EntryObject = z.strictObject({
  plugin: Text.describe('Bare name (built in), `@scope/package`, `npm:package` or `./path`'),
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_.-]*$/i)
    .optional()
    .describe('Name of this entry, where a plugin stands twice; the plugin’s name otherwise'),
  enabled: z.boolean().default(true).describe('`false`: as if it were not listed'),
  config: PluginPart.default({}).describe('The plugin’s own settings'),
  when: ConditionSettings.optional().describe('Imports for which the task runs'),
  retry: z.strictObject(RetrySettings).partial().default({}).describe('As `imports.retry`'),
  timeout: duration({ min: 1 }).optional().describe('As `imports.task_timeout`'),
  concurrency: z.int().min(1).optional().describe('Imports that may be in this task at once'),
});

/** A bare plugin name stands for an entry with nothing but defaults. */
const EntrySettings = z.union([
  Text.transform((plugin) => EntryObject.parse({ plugin })),
  EntryObject,
]);

export const PipelineTasks = z.array(EntrySettings).min(1);

export const PipelineSettings = z.strictObject({
  when: ConditionSettings.optional(),
  tasks: PipelineTasks.describe('As `imports.pipeline`'),
});
export type PipelineSettings = z.output<typeof PipelineSettings>;

const MethodObject = z.strictObject({
  name: Text.describe('As clients name it'),
  plugin: Text.optional().describe(
    'The plugin that brings it, where that is neither built in nor in a pipeline',
  ),
  enabled: z.boolean().default(true).describe('`false`: as if it were not listed'),
  config: PluginPart.default({}).describe('The method’s own settings'),
});

export const MethodSettings = z.union([
  Text.transform((name) => MethodObject.parse({ name })),
  MethodObject,
]);
