import { z } from 'zod';
import { IMAGE_STATUSES } from '../image/image.js';
import { PluginConfig, PluginSite } from './contract/manifest.js';
import * as services from './contract/services.js';

/** What a manifest must look like at run time: plugins in JavaScript have no compiler for it. */
const KNOWN_SERVICES = new Set<symbol>([
  PluginConfig.symbol,
  PluginSite.symbol,
  ...Object.values(services).map(({ symbol }) => symbol),
]);

const Class = z.custom<new () => unknown>(isFunction, 'must be a class');

const Schema = z.custom<z.ZodType>(
  (value) => typeof (value as { safeParse?: unknown } | null)?.safeParse === 'function',
  'must be a zod schema: make it with the `z` of "stowage/plugin"',
);

const Token = z
  .custom<{ readonly name: string; readonly symbol: symbol }>(
    (value) => typeof (value as { symbol?: unknown } | null)?.symbol === 'symbol',
    'must be a service token of "stowage/plugin"',
  )
  .refine(({ symbol }) => KNOWN_SERVICES.has(symbol), {
    error: ({ input }) =>
      `this server offers no service "${(input as { name?: string } | undefined)?.name ?? ''}"`,
  });

const Inject = z.array(Token).readonly().optional();
const Name = z
  .string()
  .regex(/^[a-z0-9]+(?:[-_][a-z0-9]+)*$/, 'must be a name such as "web-download"');
const PluginName = z
  .string()
  .regex(
    /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9][a-z0-9._~-]*$/,
    'must be kebab-case, or the name of the package',
  );
const Count = z.int().min(1);

const Method = z.strictObject({
  name: Name,
  description: z.string(),
  params: Schema,
  from: z.array(z.enum(IMAGE_STATUSES)).min(1).readonly(),
  data: z.enum(['new', 'existing', 'none']),
  inPlace: z.boolean().optional(),
  requestable: z.boolean().optional(),
  config: Schema.optional(),
  source: Class,
  inject: Inject,
});

const Driver = z.strictObject({
  driver: Name,
  description: z.string(),
  config: Schema.optional(),
  readOnly: z.boolean().optional(),
  registersUnread: z.boolean().optional(),
  schemes: z
    .array(z.string().regex(/^[a-z][a-z0-9+.-]*$/, 'must be the scheme of a URL'))
    .readonly()
    .optional(),
  store: Class,
  inject: Inject,
});

/** The shape of a {@link PluginManifest}, with its version apart: another version has another shape. */
export const ManifestSchema = z.strictObject({
  name: PluginName,
  apiVersion: z.int(),
  description: z.string().optional(),
  config: Schema.optional(),
  task: Class.optional(),
  inject: Inject,
  replacesData: z.boolean().optional(),
  judgesData: z.boolean().optional(),
  perStore: z.boolean().optional(),
  position: z.enum(['first', 'last']).optional(),
  after: z.array(PluginName).readonly().optional(),
  before: z.array(PluginName).readonly().optional(),
  properties: z
    .array(
      z.string().regex(/^[^*]{1,255}\*?$/, 'must be a property name, or a prefix that ends in "*"'),
    )
    .readonly()
    .optional(),
  writes: z.custom<() => readonly string[]>(isFunction, 'must be a function').optional(),
  defaults: z
    .strictObject({
      timeoutMs: Count.optional(),
      attempts: Count.optional(),
      concurrency: Count.optional(),
    })
    .optional(),
  methods: z.array(Method).readonly().optional(),
  stores: z.array(Driver).readonly().optional(),
});

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
