import { duration, z } from '../../core/api.js';

export const HttpConfig = z.strictObject({
  allow: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .default([])
    .describe('Private networks whose web servers may be asked'),
  connect_timeout: duration({ min: 1 }).prefault('10 s').describe('For a connection'),
  idle_timeout: duration({ min: 1 }).prefault('1 min').describe('For a server that says nothing'),
  max_redirects: z.int().min(0).max(20).default(5).describe('Redirects that are followed'),
});
export type HttpConfig = z.output<typeof HttpConfig>;
