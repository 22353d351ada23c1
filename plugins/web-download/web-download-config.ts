import { duration, z } from '../../core/api.js';

export const WebDownloadConfig = z.strictObject({
  allow: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .default([])
    .describe('Private networks that may be reached all the same'),
  connect_timeout: duration({ min: 1 }).prefault('10 s'),
  idle_timeout: duration({ min: 1 })
    .prefault('60 s')
    .describe('How long the server may send nothing'),
  max_redirects: z.int().min(0).max(20).default(5),
});
export type WebDownloadConfig = z.output<typeof WebDownloadConfig>;

export const WebDownloadParams = z.strictObject({
  uri: z.string().min(1).max(8192).describe('http or https address of the image'),
});
