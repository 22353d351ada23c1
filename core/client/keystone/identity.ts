import { z } from 'zod';
import type { Clock } from '../../base/clock.js';
import { PermanentError } from '../../base/errors.js';
import type { ServiceAccount } from '../../base/service-account.js';
import type { ServiceSession, WantedEndpoint } from '../../plugin/contract/identity.js';
import type { Identity } from '../../plugin/contract/services.js';
import { KeystoneHttp, failing } from './keystone-http.js';
import { ServiceToken } from './service-token.js';
import type { KeystoneCredential } from './service-token.js';

/** Milliseconds for one answer. */
const TIMEOUT_MS = 30_000;

const Catalog = z.object({
  catalog: z.array(
    z.object({
      type: z.string(),
      endpoints: z.array(
        z.object({ interface: z.string(), url: z.string(), region: z.string().nullish() }),
      ),
    }),
  ),
});

export function createIdentity(clock: Clock): Identity {
  return { session: (account) => new AccountSession(account, clock) };
}

class AccountSession implements ServiceSession {
  readonly #http: KeystoneHttp;
  readonly #token: ServiceToken;

  constructor(account: ServiceAccount, clock: Clock) {
    this.#http = new KeystoneHttp({ url: account.url, ca: undefined, timeoutMs: TIMEOUT_MS });
    const credential = credentialOf(account);
    this.#token = new ServiceToken(this.#http, credential, clock, 'project', (status) =>
      refused(account.url, status),
    );
  }

  token(): Promise<string> {
    return this.#token.get();
  }

  refused(token: string): void {
    this.#token.refused(token);
  }

  async endpoint(wanted: WantedEndpoint): Promise<string> {
    const { status, body } = await this.#http.call('GET', '/auth/catalog', {
      headers: { 'x-auth-token': await this.token() },
    });
    const told = Catalog.safeParse(body);
    if (status !== 200 || !told.success) throw failing(`it answers its catalogue with ${status}`);
    const offered = wanted.types.flatMap((type) =>
      told.data.catalog.filter((service) => service.type === type),
    );
    const found = offered
      .flatMap(({ endpoints }) => endpoints)
      .find(
        (endpoint) =>
          endpoint.interface === wanted.interface &&
          (wanted.region === undefined || endpoint.region === wanted.region),
      );
    if (found !== undefined) return found.url.replace(/\/+$/, '');
    const where = wanted.region === undefined ? '' : ` in region "${wanted.region}"`;
    throw new PermanentError({
      code: 'SERVICE_UNLISTED',
      message: `The catalogue has no ${wanted.interface} endpoint of "${wanted.types.join('" or "')}"${where}`,
      hint: 'Check region and interface, or write the endpoint into the config',
    });
  }
}

function refused(url: string, status: number): PermanentError {
  return new PermanentError({
    code: 'KEYSTONE_REFUSED',
    message: `Keystone at ${url} answered the sign-in with status ${status}`,
    hint: 'The operator checks the account in the config',
  });
}

function credentialOf(account: ServiceAccount): KeystoneCredential {
  if ('application_credential_id' in account) {
    const { application_credential_id: id, application_credential_secret: secret } = account;
    return { kind: 'application', id, secret };
  }
  const { username: user, user_domain: userDomain, password, project } = account;
  const { project_domain: projectDomain } = account;
  return { kind: 'password', user, userDomain, password, project, projectDomain };
}
