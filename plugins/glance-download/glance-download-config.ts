import { duration, secret, z } from '../../core/api.js';

const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

/** How the server signs in at the Keystone of a region, as itself. */
const Keystone = z.union([
  z.strictObject({
    url: httpUrl.describe('Identity API, with its version: https://keystone.example.org/v3'),
    application_credential_id: z.string().min(1),
    application_credential_secret: secret(),
  }),
  z.strictObject({
    url: httpUrl.describe('Identity API, with its version: https://keystone.example.org/v3'),
    username: z.string().min(1),
    password: secret(),
    user_domain: z.string().min(1).default('Default'),
    project: z.string().min(1),
    project_domain: z.string().min(1).default('Default'),
  }),
]);
export type KeystoneConfig = z.output<typeof Keystone>;

const Region = z.strictObject({
  name: z.string().min(1).max(255).describe('What clients say as `glance_region`'),
  endpoint: httpUrl.describe('Image API, without its version'),
  keystone: Keystone.optional().describe('Without it the endpoint is asked without a token'),
  headers: z.record(z.string().regex(/^[a-z0-9-]+$/i), secret()).default({}),
});
export type Region = z.output<typeof Region>;

export const GlanceDownloadConfig = z.strictObject({
  regions: z.array(Region).default([]).describe('The endpoints that clients may name'),
  allow: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .default([])
    .describe('Private networks in which endpoints may be'),
  connect_timeout: duration({ min: 1 }).prefault('10 s'),
  idle_timeout: duration({ min: 1 }).prefault('1 min'),
});
export type GlanceDownloadConfig = z.output<typeof GlanceDownloadConfig>;
