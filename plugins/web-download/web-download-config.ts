import { byteSize, duration, secret, z } from '../../core/api.js';
import { certificates } from './certificates.js';
import { hasValidHeaders, kindsOf } from './credentials.js';

/** The smallest cap that still moves an image within the life of a server. */
const MIN_RATE = 16 * 1024;

const httpUrl = z
  .string()
  .refine(
    (text) => /^https?:\/\//i.test(text) && URL.canParse(text) && isPlain(new URL(text)),
    'expected an http or https URL without user name, query and fragment',
  );

const Credentials = z
  .strictObject({
    url: httpUrl.describe('They are sent to this URL and what is below it, and nowhere else'),
    username: z.string().min(1).optional(),
    password: secret().optional(),
    bearer: secret().optional().describe('A token'),
    headers: z
      .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9a-z-]+$/i), secret())
      .optional()
      .describe('Further headers'),
  })
  .refine((entry) => kindsOf(entry) === 1, 'expected username and password, or bearer, or headers')
  .refine(hasValidHeaders, 'a secret holds characters that cannot stand in a header');

const Proxy = z
  .strictObject({
    url: httpUrl.refine((text) => new URL(text).pathname === '/', 'expected no path'),
    username: z.string().min(1).optional(),
    password: secret().optional(),
    ca_file: certificates().optional().describe('CAs that may vouch for the proxy, in PEM'),
    resolves: z
      .boolean()
      .default(false)
      .describe('The proxy resolves the names that this server cannot, and guards what they are'),
  })
  .refine(
    ({ username, password }) => (username === undefined) === (password === undefined),
    'expected username and password together',
  );

export const WebDownloadConfig = z.strictObject({
  allow: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .default([])
    .describe('Private networks that may be reached all the same, at every port'),
  ports: z
    .array(z.int().min(1).max(65_535))
    .min(1)
    .default([80, 443])
    .describe('Ports that may be asked for at public addresses'),
  connect_timeout: duration({ min: 1 }).prefault('10 s'),
  idle_timeout: duration({ min: 1 })
    .prefault('60 s')
    .describe('How long the server may send nothing'),
  total_timeout: duration({ min: 1 })
    .prefault('5 h')
    .describe('One attempt, from its first request to the last byte'),
  max_redirects: z.int().min(0).max(20).default(5),
  max_size: byteSize({ min: 1 }).optional().describe('Beside images.max_size'),
  max_rate: byteSize({ min: MIN_RATE }).optional().describe('Bytes a second of one download'),
  max_total_rate: byteSize({ min: MIN_RATE })
    .optional()
    .describe('Bytes a second of all downloads together'),
  ca_file: certificates()
    .optional()
    .describe('CAs that are trusted beside the public ones, in PEM'),
  proxy: Proxy.optional().describe('An HTTP proxy that opens tunnels (CONNECT)'),
  credentials: z.array(Credentials).default([]),
});
export type WebDownloadConfig = z.output<typeof WebDownloadConfig>;

function isPlain({ username, password, search, hash }: URL): boolean {
  return [username, password, search, hash].every((part) => part === '');
}
