import { PermanentError, TransientError } from '../../core/api.js';
import type { Clock } from '../../core/api.js';
import type { KeystoneConfig } from './glance-download-config.js';

/** Milliseconds for one sign-in. */
const TIMEOUT_MS = 30_000;
/** Milliseconds before its end at which a token is no longer used. */
const MARGIN_MS = 60_000;

/** A token of the server's own, renewed before it ends. It is kept in memory alone. */
export class KeystoneToken {
  #token: { readonly value: string; readonly until: number } | undefined;

  constructor(
    private readonly config: KeystoneConfig,
    private readonly clock: Clock,
  ) {}

  /** @throws {TransientError} `KEYSTONE_UNREACHABLE`; {PermanentError} `KEYSTONE_REFUSED` */
  async get(signal: AbortSignal): Promise<string> {
    const now = this.clock.now().getTime();
    if (this.#token === undefined || this.#token.until - MARGIN_MS < now) {
      this.#token = await this.#signIn(signal);
    }
    return this.#token.value;
  }

  /** Signs in again at the next use: an endpoint has refused the token. */
  forget(): void {
    this.#token = undefined;
  }

  async #signIn(signal: AbortSignal): Promise<{ readonly value: string; readonly until: number }> {
    const { url } = this.config;
    const response = await fetch(`${url}/auth/tokens`, {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(requestOf(this.config)),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new TransientError({
        code: 'KEYSTONE_UNREACHABLE',
        message: `Keystone at ${url} cannot be reached`,
        hint: 'It is tried again by itself',
        cause,
      });
    });
    const value = response.headers.get('x-subject-token');
    if (response.status !== 201 || value === null) throw refused(url, response.status);
    const body = (await response.json()) as { readonly token?: { readonly expires_at?: unknown } };
    const until = Date.parse(String(body.token?.expires_at));
    return { value, until: Number.isNaN(until) ? 0 : until };
  }
}

function requestOf(config: KeystoneConfig): unknown {
  if ('application_credential_id' in config) {
    const { application_credential_id: id, application_credential_secret: secret } = config;
    const credential = { id, secret: secret.reveal() };
    return {
      auth: {
        identity: { methods: ['application_credential'], application_credential: credential },
      },
    };
  }
  const { username: name, user_domain, password, project, project_domain } = config;
  const user = { name, domain: { name: user_domain }, password: password.reveal() };
  return {
    auth: {
      identity: { methods: ['password'], password: { user } },
      scope: { project: { name: project, domain: { name: project_domain } } },
    },
  };
}

function refused(url: string, status: number): Error {
  const message = `Keystone at ${url} answered the sign-in with status ${status}`;
  return status >= 500
    ? new TransientError({
        code: 'KEYSTONE_UNREACHABLE',
        message,
        hint: 'It is tried again by itself',
      })
    : new PermanentError({
        code: 'KEYSTONE_REFUSED',
        message,
        hint: 'The operator checks the credentials of the region in the config',
      });
}
