import { z } from 'zod';
import { secret } from './secret.js';
import { duration } from './types.js';

/** Who says who is calling; how Keystone is reached. */
const KeystoneSettings = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Base URL of the identity service, with or without `/v3`'),
  public_url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The same for clients, named in 401 answers; otherwise `url`'),
  ca_file: z
    .string()
    .min(1)
    .optional()
    .describe('Certificates (PEM) that are trusted beside the public ones'),
  user: z.string().min(1).optional().describe('Service user that checks tokens'),
  password: secret()
    .optional()
    .describe('Its password; better `{ env: NAME }` or `{ file: PATH }`'),
  user_domain: z.string().min(1).default('Default').describe('Name of its domain'),
  project: z.string().min(1).default('service').describe('Project it acts for'),
  project_domain: z.string().min(1).default('Default').describe('Name of the project’s domain'),
  application_credential_id: z
    .string()
    .min(1)
    .optional()
    .describe('Application credential instead of a user'),
  application_credential_secret: secret().optional().describe('Its secret'),
  timeout: duration({ min: 100 }).prefault('10 s').describe('For one answer of Keystone'),
  cache_time: duration()
    .prefault('5 min')
    .describe('How long an answer about a token counts; a revoked token works at most as long'),
  cache_size: z.int().min(1).max(1_000_000).default(10_000).describe('Tokens that are remembered'),
  outage_time: duration()
    .prefault('1 h')
    .describe('How long it counts while Keystone cannot be asked; never beyond the token’s end'),
});

const AuthObject = z.strictObject({
  mode: z
    .enum(['none', 'headers', 'keystone'])
    .default('none')
    .describe(
      '`none`: every caller is admin of project `default`; `headers`: trust X-Project-Id, X-User-Id and X-Roles; `keystone`: X-Auth-Token',
    ),
  allow_remote: z
    .boolean()
    .default(false)
    .describe('Let mode `none` listen beyond the loopback interface'),
  trusted: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .min(1)
    .optional()
    .describe('Networks whose identity headers are believed (mode `headers`); loopback otherwise'),
  keystone: KeystoneSettings.optional(),
});

export const AuthSettings = z
  .union([
    AuthObject.shape.mode.unwrap().transform((mode) => AuthObject.parse({ mode })),
    AuthObject,
  ])
  .prefault({});
