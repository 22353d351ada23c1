import type { IncomingHttpHeaders } from 'node:http';
import type { AuthConfig } from '../config/config.js';
import { ForbiddenError } from '../base/errors.js';
import { parseNetworks } from './address.js';
import type { Authenticator, Credentials } from './authenticator.js';
import { identityOf } from './caller.js';

/**
 * Believes the identity headers of a proxy in front, such as keystonemiddleware: `X-User-Id`,
 * `X-Project-Id`, `X-Roles`. Only connections from the trusted networks are served.
 */
export function authenticateByHeaders(
  config: Extract<AuthConfig, { mode: 'headers' }>,
): Authenticator {
  const trusted = parseNetworks(config.trusted);

  const admit = ({ address }: Credentials): void => {
    if (trusted.has(address)) return;
    throw unauthenticated(
      `The address "${address}" is not in a trusted network`,
      'Call through the proxy that authenticates, or add the network to "auth.trusted"',
    );
  };

  return {
    challenge: 'Stowage',
    admit,
    authenticate(credentials) {
      admit(credentials);
      const { headers } = credentials;
      const status = single(headers, 'x-identity-status');
      if (status !== undefined && status !== 'Confirmed') {
        throw unauthenticated(`The identity is "${status}"`, 'Send a valid token');
      }
      const userId = single(headers, 'x-user-id') ?? null;
      const projectId = single(headers, 'x-project-id') ?? null;
      if (userId === null && projectId === null) {
        throw unauthenticated(
          'The request says neither a user nor a project',
          'The proxy in front must set X-User-Id, X-Project-Id and X-Roles',
        );
      }
      return identityOf({
        userId,
        userDomainId: single(headers, 'x-user-domain-id') ?? null,
        projectId,
        projectDomainId: single(headers, 'x-project-domain-id') ?? null,
        domainId: single(headers, 'x-domain-id') ?? null,
        systemScope: single(headers, 'openstack-system-scope') === undefined ? null : 'all',
        roles: rolesOf(headers, 'x-roles'),
        serviceRoles: rolesOf(headers, 'x-service-roles'),
      });
    },
  };
}

/**
 * A header that must occur once: a second one, which the client has sent itself and the proxy has
 * not removed, would stand beside the proxy's own after a comma.
 */
function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  const text = (Array.isArray(value) ? value.join(',') : value)?.trim();
  if (text === undefined || text === '') return undefined;
  if (!text.includes(',')) return text;
  throw unauthenticated(
    `The header "${name}" occurs more than once`,
    'The proxy in front must remove identity headers that clients send',
  );
}

function rolesOf(headers: IncomingHttpHeaders, name: string): readonly string[] {
  const value = headers[name];
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text
    .split(',')
    .map((role) => role.trim().toLowerCase())
    .filter((role) => role !== '');
}

function unauthenticated(message: string, hint: string): ForbiddenError {
  return new ForbiddenError({ code: 'UNAUTHENTICATED', message, hint });
}
