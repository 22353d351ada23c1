import ipaddr from 'ipaddr.js';
import type { AuthConfig } from '../config/config.js';
import { ForbiddenError } from '../base/errors.js';
import { isLoopback } from './address.js';
import type { Authenticator, Credentials } from './authenticator.js';
import { identityOf } from './caller.js';

/** Project of everybody where nobody is asked who they are. */
export const DEFAULT_PROJECT = 'default';

/**
 * Everybody is admin of project `default`. Unless config allows remote callers, only this machine is
 * served, and no web page in a browser of this machine: such a page could otherwise reach the server
 * through a name of its own that resolves to 127.0.0.1, or by requests that browsers send unasked.
 */
export function authenticateNobody(
  config: Extract<AuthConfig, { mode: 'none' }>,
  publicEndpoint: string | undefined,
): Authenticator {
  const publicHost = publicEndpoint === undefined ? undefined : new URL(publicEndpoint).host;

  const admit = ({ address, headers }: Credentials): void => {
    if (!config.allowRemote) {
      if (!isLoopback(address)) throw refused(`from "${address}"`);
      const { host } = headers;
      if (host !== undefined && host !== publicHost && !isLocalHost(host)) {
        throw refused(`for the host "${host}"`);
      }
    }
    if (headers['sec-fetch-site'] === 'cross-site') throw refused('from a page of another site');
  };

  return {
    challenge: 'Stowage',
    admit,
    authenticate(credentials) {
      admit(credentials);
      return identityOf({ projectId: DEFAULT_PROJECT, roles: ['admin'] });
    },
  };
}

/** A browser can be led to an address, but not make it say a name that it was not asked for. */
function isLocalHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name.endsWith('.localhost') || ipaddr.isValid(name);
}

function refused(what: string): ForbiddenError {
  return new ForbiddenError({
    code: 'REMOTE_REFUSED',
    message: `Requests ${what} are not served without authentication`,
    hint: 'Call from this machine, set "auth.mode: headers", or, in a closed network, "auth.allow_remote: true"',
  });
}
