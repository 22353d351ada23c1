import type { AuthConfig } from '../config/config.js';
import type { Authenticator } from './authenticator.js';
import { authenticateByHeaders } from './headers.js';
import { authenticateNobody } from './none.js';

/** The authenticator that the configuration asks for. */
export function createAuthenticator(
  config: AuthConfig,
  publicEndpoint: string | undefined,
): Authenticator {
  switch (config.mode) {
    case 'none':
      return authenticateNobody(config, publicEndpoint);
    case 'headers':
      return authenticateByHeaders(config);
  }
}
