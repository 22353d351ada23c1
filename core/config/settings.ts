import { z } from 'zod';
import { AuthSettings } from './auth-settings.js';
import { secret } from './secret.js';
import { byteSize, duration } from './types.js';
import {
  MethodSettings,
  PipelineSettings,
  PipelineTasks,
  RetrySettings,
} from './pipeline-settings.js';

/**
 * The config file: sections and keys as a deployer writes them, in snake_case, with every default.
 * `compile.ts` turns the result into `Config`; rules that join several keys stand in `rules.ts`.
 */
const ServerSettings = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on'),
  port: z.int().min(0).max(65_535).default(9292).describe('0 lets the system choose'),
  public_endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Base URL that clients see; otherwise taken from each request'),
  shutdown_timeout: duration().prefault('30 s').describe('For running tasks to end at a stop'),
  upload_idle_timeout: duration({ min: 1 })
    .prefault('2 min')
    .describe('How long an upload may stand still'),
  upload_min_rate: byteSize({ min: 0 })
    .prefault('1 KiB')
    .describe('Bytes a second that an upload brings at least, over `upload_idle_timeout`'),
  cors_origins: z
    .array(z.union([z.literal('*'), z.url({ protocol: /^https?$/ })]))
    .default([])
    .describe('Origins of web pages that may call the API, or `*`'),
  trusted_proxies: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .default([])
    .describe('Networks of proxies whose X-Forwarded-Proto, -Host and -Prefix are believed'),
  max_json_size: byteSize({ min: 1024, max: 2 ** 30 })
    .prefault('1 MiB')
    .describe('Size of a JSON request body'),
});

const StoreSettings = z
  .looseObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/)
      .describe('Name that clients use'),
    driver: z.string().min(1).describe('Kind of store, for example `filesystem`'),
    default: z
      .boolean()
      .default(false)
      .describe('Takes images whose request names no store; otherwise the first one'),
    description: z.string().default('').describe('Shown to clients'),
  })
  .catchall(z.json());

const StagingSettings = z.strictObject({
  path: z
    .string()
    .min(1)
    .default('staging')
    .describe('Directory, on the file system of the stores where possible'),
  capacity: z
    .union([z.literal('auto'), byteSize({ min: 2 ** 20 })])
    .prefault('auto')
    .describe('Bytes that staging may take; `auto`: 80 % of what is free at start'),
  reserve: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.1)
    .describe('Part of it that new bytes may not take, so that a waiting import can finish'),
  retention: duration({ min: 1000 })
    .prefault('7 d')
    .describe('How long staged bytes without an import are kept'),
});

const propertyRule = (act: string) =>
  z.string().default('!').describe(`Rule of the policy for who may ${act} them`);

const SchemaProperty = z.strictObject({
  description: z.string().default('').describe('Shown to clients'),
  enum: z.array(z.string()).min(1).optional().describe('The values that it may have'),
  pattern: z.string().min(1).optional().describe('Regular expression found in its value'),
  max_length: z.int().min(0).max(65_535).optional().describe('Characters of its value'),
});

const PropertyProtection = z.strictObject({
  match: z.string().min(1).describe('Regular expression found in the names of the properties'),
  create: propertyRule('create'),
  read: propertyRule('read'),
  update: propertyRule('update'),
  delete: propertyRule('delete'),
});

const ImagesSettings = z.strictObject({
  max_size: byteSize({ min: 1 }).prefault('1 TiB').describe('Largest image data'),
  max_virtual_size: byteSize({ min: 1 })
    .prefault('16 TiB')
    .describe('Largest disk that a guest may see'),
  checksum: z.boolean().default(true).describe('Compute the legacy md5 `checksum` as well'),
  digest_later: z
    .boolean()
    .default(false)
    .describe(
      'Read images that came without being read, as clones of volumes do, afterwards for their digests; they are active meanwhile',
    ),
  hash_algorithm: z
    .enum(['sha256', 'sha384', 'sha512'])
    .default('sha512')
    .describe('`os_hash_algo` of new images'),
  max_properties: z.int().min(0).default(128).describe('Properties of one image'),
  max_tags: z.int().min(0).default(128).describe('Tags of one image'),
  max_members: z.int().min(0).default(128).describe('Projects that one image is shared with'),
  show_locations: z
    .boolean()
    .default(false)
    .describe('Images show `locations`, to those whom the policy `get_image_location` lets'),
  change_locations: z
    .boolean()
    .default(false)
    .describe(
      '`PATCH` registers and removes locations, as clients did before there was a route for it; the answer waits until the bytes are read',
    ),
  show_direct_url: z.boolean().default(false).describe('Images show `direct_url`, to the same'),
  properties: z
    .record(z.string().regex(/^[A-Za-z0-9_:.-]{1,255}$/), SchemaProperty)
    .default({})
    .describe(
      'Properties that the schema of images names, with what their values may be: `{ enum, pattern, max_length, description }`',
    ),
  property_protections: z
    .array(PropertyProtection)
    .default([])
    .describe(
      'Who may do what with properties: the first entry whose expression is found in the name decides; where there are entries, what none matches is nobody’s',
    ),
  relaxed_rules: z
    .array(z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/))
    .default([])
    .describe('Safety rules that refuse nothing, by name; see the page of the safety rules'),
});

const quotaOfBytes = (description: string) => byteSize().optional().describe(description);
const quotaOfImages = (description: string) => z.int().min(0).optional().describe(description);

const ProjectQuotas = z.strictObject({
  image_size_total: z
    .union([byteSize(), z.literal('unlimited')])
    .optional()
    .describe('Instead of `quotas.image_size_total`'),
  image_stage_total: z
    .union([byteSize(), z.literal('unlimited')])
    .optional()
    .describe('Instead of `quotas.image_stage_total`'),
  image_count_total: z
    .union([z.int().min(0), z.literal('unlimited')])
    .optional()
    .describe('Instead of `quotas.image_count_total`'),
  image_count_uploading: z
    .union([z.int().min(0), z.literal('unlimited')])
    .optional()
    .describe('Instead of `quotas.image_count_uploading`'),
});

const QuotasSettings = z.strictObject({
  source: z
    .enum(['config', 'keystone'])
    .default('config')
    .describe('`config`: the limits below; `keystone`: those registered with Keystone'),
  region: z
    .string()
    .min(1)
    .optional()
    .describe('Region whose limits in Keystone hold before those of all regions'),
  image_size_total: quotaOfBytes('Image data of one project in all stores'),
  image_stage_total: quotaOfBytes('Staged data of one project'),
  image_count_total: quotaOfImages('Images of one project'),
  image_count_uploading: quotaOfImages('Images of one project whose data come in at once'),
  projects: z
    .record(z.string().min(1), ProjectQuotas)
    .default({})
    .describe('By id of the project, the same with other limits; `unlimited` lifts one'),
});

const RetryDefaults = z.strictObject({
  attempts: RetrySettings.attempts.default(5),
  backoff: RetrySettings.backoff.prefault('2 s'),
  max_backoff: RetrySettings.max_backoff.prefault('5 min'),
});

const ImportsSettings = z.strictObject({
  methods: z
    .array(MethodSettings)
    .prefault(['glance-direct', 'web-download', 'copy-image'])
    .describe('Import methods: a name, or `{ name, enabled, config }`'),
  uploads: z
    .enum(['observe', 'full', 'refuse'])
    .default('observe')
    .describe(
      'What `PUT …/file` does: `observe` runs every task that does not replace data, `full` the whole pipeline',
    ),
  pipeline: PipelineTasks.optional().describe(
    'The tasks of every import, in order; short for one unconditional entry of `pipelines`',
  ),
  pipelines: z
    .array(PipelineSettings)
    .min(1)
    .optional()
    .describe('`[{ when, tasks }]`: the first whose condition holds'),
  concurrency: z.int().min(1).max(1000).default(8).describe('Imports that run at once'),
  retention: duration({ min: 1000 })
    .prefault('30 d')
    .describe('How long finished imports and their events are kept'),
  retry: RetryDefaults.prefault({}),
  task_timeout: duration({ min: 1 })
    .prefault('6 h')
    .describe('One attempt of a task that says nothing of its own'),
  revert_timeout: duration({ min: 1 }).prefault('10 min').describe('One revert of a task'),
});

const NotificationsSettings = z.strictObject({
  log: z.boolean().default(false).describe('Write each notification to the log'),
  webhook: z
    .strictObject({
      url: z
        .url({ protocol: /^https?$/ })
        .check(({ value, issues }) => {
          if (!/^[^/]*\/\/[^/?#]*@/.test(value)) return;
          const message = 'expected a URL without a user: headers can say who sends';
          issues.push({ code: 'custom', input: value, message });
        })
        .describe('Each notification is one `POST` there'),
      headers: z
        .record(z.string().regex(/^[A-Za-z0-9-]+$/), secret())
        .default({})
        .describe('Further headers, for example `authorization: { env: NAME }`'),
      timeout: duration({ min: 100 }).prefault('10 s').describe('For one answer'),
    })
    .optional(),
  disabled: z
    .array(z.string().regex(/^[a-z_]+(\.[a-z_]+)*$/))
    .default([])
    .describe('Types, or their beginnings, that are not sent: `image.update`, `task`'),
  retention: duration({ min: 1000 })
    .prefault('7 d')
    .describe('How long one is tried that the webhook does not take'),
});

const ProgramsSettings = z.strictObject({
  confinement: z
    .enum(['auto', 'bubblewrap', 'limits'])
    .default('auto')
    .describe('`auto`: bubblewrap where it works, plain limits otherwise'),
  address_space: byteSize({ min: 64 * 2 ** 20 })
    .prefault('2 GiB')
    .describe('Address space of one external program'),
  niceness: z.int().min(0).max(19).default(10).describe('`nice` level of external programs'),
});

const LogSettings = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('What is less important is not written'),
  format: z
    .enum(['auto', 'json', 'text'])
    .default('auto')
    .describe('`auto`: text on a terminal, JSON lines otherwise'),
});

/** Tasks of the pipeline where config declares none. */
export const DEFAULT_PIPELINE = ['stage', 'introspect', 'virtual-size', 'store'] as const;

export const SettingsSchema = z
  .strictObject({
    data_dir: z
      .string()
      .min(1)
      .default('./data')
      .describe(
        'Everything embedded lives below it, and every other relative path starts here; itself relative to this file',
      ),
    server: ServerSettings.prefault({}),
    auth: AuthSettings,
    policy: z
      .record(z.string().regex(/^[a-z][a-z0-9_:-]*$/), z.string())
      .default({})
      .describe('Rules of the policy that replace the defaults: `{ copy_image: "role:member" }`'),
    stores: z
      .array(StoreSettings)
      .min(1)
      .prefault([{ id: 'default', driver: 'filesystem', path: 'store' }])
      .describe('Where image data is kept; further keys are the driver’s own'),
    staging: StagingSettings.prefault({}),
    images: ImagesSettings.prefault({}),
    quotas: QuotasSettings.prefault({}),
    imports: ImportsSettings.prefault({}),
    notifications: NotificationsSettings.prefault({}),
    programs: ProgramsSettings.prefault({}),
    log: LogSettings.prefault({}),
  })
  .meta({ title: 'Stowage configuration' });

/** A valid config file with its defaults: bytes and milliseconds, paths as they were written. */
export type Settings = z.output<typeof SettingsSchema>;
