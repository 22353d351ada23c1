import type { AuthConfig } from '../config/config.js';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../telemetry/logger.js';
import type { Authenticator } from './authenticator.js';
import { authenticateByHeaders } from './headers.js';
import { authenticateByToken } from './keystone/by-token.js';
import { TokenJudge } from './keystone/token-judge.js';
import type { TokenSource } from './keystone/token-judge.js';
import { authenticateNobody } from './none.js';

export interface AuthenticatorParts {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** For mode `keystone`. */
  readonly keystone?: TokenSource | undefined;
}

/** The authenticator that the configuration asks for. */
export function createAuthenticator(
  config: AuthConfig,
  publicEndpoint: string | undefined,
  parts: AuthenticatorParts,
): Authenticator {
  switch (config.mode) {
    case 'none':
      return authenticateNobody(config, publicEndpoint);
    case 'headers':
      return authenticateByHeaders(config);
    case 'keystone': {
      const { keystone, clock, log } = parts;
      if (keystone === undefined) throw new Error('Keystone is not connected');
      return authenticateByToken(new TokenJudge(keystone, clock, config, log), config.publicUrl);
    }
  }
}
