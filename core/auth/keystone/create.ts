import { readFileSync } from 'node:fs';
import type { Clock } from '../../base/clock.js';
import { InvalidInputError } from '../../base/errors.js';
import { Keystone } from '../../client/keystone/keystone.js';
import type { AuthConfig } from '../../config/config.js';

type KeystoneConfig = Extract<AuthConfig, { mode: 'keystone' }>;

/** @throws {InvalidInputError} `CA_UNREADABLE` */
export function connectKeystone(config: KeystoneConfig, clock: Clock): Keystone {
  const { url, caFile, timeoutMs, credential } = config;
  return new Keystone({ url, ca: caFile && readCa(caFile), timeoutMs, credential }, clock);
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InvalidInputError({
      code: 'CA_UNREADABLE',
      message: `The file "${file}" with certificates cannot be read`,
      hint: 'Correct "auth.keystone.ca_file", or let the server read it',
      cause,
    });
  }
}
