import { z } from 'zod';
import type { ServiceAccount } from '../base/service-account.js';
import { secret } from './secret.js';

const url = z
  .url({ protocol: /^https?$/ })
  .transform((text) => text.replace(/\/+$/, ''))
  .describe('Identity API, with its version: https://keystone.example.org/v3');

/** Schema of an account of the server's own at an OpenStack identity service: an application credential, or a user. */
export function serviceAccount(): z.ZodType<ServiceAccount> {
  return z.union([
    z.strictObject({
      url,
      application_credential_id: z.string().min(1),
      application_credential_secret: secret(),
    }),
    z.strictObject({
      url,
      username: z.string().min(1),
      password: secret(),
      user_domain: z.string().min(1).default('Default'),
      project: z.string().min(1),
      project_domain: z.string().min(1).default('Default'),
    }),
  ]);
}
