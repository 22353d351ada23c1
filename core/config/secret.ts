import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { systemCode } from '../base/errors.js';
import { Secret } from '../base/secret.js';

/** How a secret stands in a config file: itself, or where it is kept. */
export type SecretSetting = string | { readonly env: string } | { readonly file: string };

/** Characters; a token, not a document. */
const MAX_SECRET = 64 * 1024;

/**
 * A value that is never shown: as text, or better as `{ env: NAME }` or `{ file: /run/secrets/name }`, so that
 * it stands in no config file. Code gets a {@link Secret}; a file's last line end is not part of it.
 */
export function secret(): z.ZodType<Secret, SecretSetting> {
  return z
    .union([
      z.string().min(1),
      z.strictObject({ env: z.string().min(1) }),
      z.strictObject({ file: z.string().min(1) }),
    ])
    .transform((setting, context) => {
      const found = find(setting);
      if (found instanceof Secret) return found;
      // The input is not repeated: it may be the secret.
      context.issues.push({ code: 'custom', input: undefined, message: found });
      return z.NEVER;
    })
    .meta({ format: 'password' });
}

/** The secret, or what is wrong. */
function find(setting: SecretSetting): Secret | string {
  if (typeof setting === 'string') return new Secret(setting);
  if ('env' in setting) {
    const value = process.env[setting.env];
    if (value !== undefined && value !== '') return new Secret(value);
    return `the environment variable "${setting.env}" is not set`;
  }
  return read(setting.file);
}

function read(file: string): Secret | string {
  if (!path.isAbsolute(file)) return `expected the absolute path of a file, got "${file}"`;
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (text === '') return `the file "${file}" is empty`;
    if (text.length > MAX_SECRET) return `the file "${file}" is too large for a secret`;
    return new Secret(text);
  } catch (error) {
    return `cannot read the file "${file}": ${systemCode(error) ?? 'no reason given'}`;
  }
}
