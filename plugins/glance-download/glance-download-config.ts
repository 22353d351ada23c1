import { duration, secret, serviceAccount, z } from '../../core/api.js';

const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

const Region = z.strictObject({
  name: z.string().min(1).max(255).describe('What clients say as `glance_region`'),
  endpoint: httpUrl.describe('Image API, without its version'),
  keystone: serviceAccount()
    .optional()
    .describe('Without it the endpoint is asked without a token'),
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
