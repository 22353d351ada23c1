import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../base/clock.js';
import type { AuthConfig } from '../config/config.js';
import { silentLogger } from '../telemetry/logger.js';
import { identityOf } from './caller.js';
import { createAuthenticator } from './create-authenticator.js';

async function authenticate(
  config: AuthConfig,
  address: string,
  headers: IncomingHttpHeaders = {},
): Promise<unknown> {
  try {
    return await createAuthenticator(config, 'https://images.example', {
      clock: systemClock,
      log: silentLogger,
    }).authenticate({
      address,
      headers,
    });
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('auth: none', () => {
  const local: AuthConfig = { mode: 'none', allowRemote: false };
  const remote: AuthConfig = { mode: 'none', allowRemote: true };
  const everybody = identityOf({ projectId: 'default', roles: ['admin'] });

  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])(
    'takes everybody on this machine (%s) for an admin of the default project',
    async (address) => {
      await expect(authenticate(local, address)).resolves.toEqual(everybody);
    },
  );

  it('refuses other machines unless they are allowed', async () => {
    await expect(authenticate(local, '192.0.2.1')).resolves.toBe('REMOTE_REFUSED');
    await expect(authenticate(local, '::ffff:192.0.2.1')).resolves.toBe('REMOTE_REFUSED');
    await expect(authenticate(remote, '192.0.2.1')).resolves.toEqual(everybody);
  });

  it.each([
    ['localhost:9292', everybody],
    ['127.0.0.1:9292', everybody],
    ['[::1]:9292', everybody],
    ['images.example', everybody],
    ['attacker.example:9292', 'REMOTE_REFUSED'],
    ['localhost.attacker.example', 'REMOTE_REFUSED'],
  ])(
    'answers for the host "%s" only if a web page cannot have chosen it',
    async (host, expected) => {
      await expect(authenticate(local, '127.0.0.1', { host })).resolves.toEqual(expected);
    },
  );

  it('refuses what a browser sends on behalf of a page from elsewhere', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    await expect(authenticate(remote, '127.0.0.1', headers)).resolves.toBe('REMOTE_REFUSED');
  });
});

describe('auth: headers', () => {
  const config: AuthConfig = { mode: 'headers', trusted: ['10.20.0.0/16', 'fd00::/8'] };
  const headers = { 'x-user-id': 'u', 'x-project-id': 'p', 'x-roles': 'Member, reader' };

  it('believes identity headers from a trusted network', async () => {
    const member = identityOf({
      userId: 'u',
      projectId: 'p',
      roles: ['member', 'reader'],
    });
    await expect(authenticate(config, '10.20.3.4', headers)).resolves.toEqual(member);
    await expect(authenticate(config, '::ffff:10.20.3.4', headers)).resolves.toEqual(member);
    await expect(authenticate(config, 'fd12::1', headers)).resolves.toEqual(member);
    const through = { ...headers, 'x-service-roles': 'Service' };
    await expect(authenticate(config, '10.20.3.4', through)).resolves.toEqual({
      ...member,
      serviceRoles: ['service'],
    });
    const operator = { 'x-user-id': 'u', 'x-roles': 'admin', 'openstack-system-scope': 'all' };
    await expect(authenticate(config, '10.20.3.4', operator)).resolves.toEqual(
      identityOf({ userId: 'u', systemScope: 'all', roles: ['admin'] }),
    );
  });

  it.each([
    ['an address outside', '10.21.0.1', headers],
    ['this machine, when it is not listed', '127.0.0.1', headers],
    ['no address', '', headers],
    ['no identity', '10.20.3.4', { 'x-roles': 'admin' }],
    ['an unconfirmed identity', '10.20.3.4', { ...headers, 'x-identity-status': 'Invalid' }],
    ['a project given twice', '10.20.3.4', { ...headers, 'x-project-id': 'victim, mine' }],
  ])('refuses %s', async (_what, address, sent) => {
    await expect(authenticate(config, address, sent)).resolves.toBe('UNAUTHENTICATED');
  });
});
