import type { Clock } from '../../base/clock.js';
import type { Secret } from '../../base/secret.js';
import { failing } from './keystone-http.js';
import type { KeystoneHttp } from './keystone-http.js';
import { tokenExpiry } from './token-facts.js';

/** How the server itself proves who it is. */
export type KeystoneCredential =
  | {
      readonly kind: 'password';
      readonly user: string;
      readonly userDomain: string;
      readonly password: Secret;
      readonly project: string;
      readonly projectDomain: string;
    }
  | { readonly kind: 'application'; readonly id: string; readonly secret: Secret };

/** Part of a token's life after which it is renewed. */
const RENEW_AFTER = 0.8;

interface Held {
  readonly token: string;
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** The server's own token: obtained when it is first needed, and renewed before it expires. */
export class ServiceToken {
  #held: Held | undefined;
  #pending: Promise<Held> | undefined;

  constructor(
    private readonly http: KeystoneHttp,
    private readonly credential: KeystoneCredential,
    private readonly clock: Clock,
    /** For what it speaks; an application credential always for its project. */
    private readonly scope: 'project' | 'system' = 'project',
    /** What is thrown where the credential is refused with a status. */
    private readonly refusal: (status: number) => Error = refusedForNow,
  ) {}

  /**
   * A token that is good now. One that is due to be renewed is given out until it has been.
   * @throws {TransientError} `KEYSTONE_UNREACHABLE` · `KEYSTONE_FAILS`; what `refusal` answers
   */
  async get(): Promise<string> {
    const now = this.clock.now().getTime();
    const held = this.#held;
    if (held === undefined || now >= held.expiresAt) return (await this.#obtain()).token;
    // It is good for a while: a failure is told to whoever comes after its end.
    if (now >= held.renewAt) this.#obtain().catch(() => undefined);
    return held.token;
  }

  /** Forgets a token that Keystone has refused. */
  refused(token: string): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  #obtain(): Promise<Held> {
    this.#pending ??= this.#request().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #request(): Promise<Held> {
    const answer = await this.http.call('POST', '/auth/tokens?nocatalog', {
      json: requestOf(this.credential, this.scope),
    });
    const token = answer.headers['x-subject-token'];
    if (answer.status !== 201 || typeof token !== 'string') {
      throw this.refusal(answer.status);
    }
    const now = this.clock.now().getTime();
    const expiresAt = tokenExpiry(answer.body);
    const life = expiresAt.getTime() - now;
    this.#held = {
      token,
      renewAt: now + life * RENEW_AFTER,
      expiresAt: expiresAt.getTime(),
    };
    return this.#held;
  }
}

/** Requests of clients wait for the operator to mend it. */
function refusedForNow(status: number): Error {
  return failing(`it refuses the credential of this server with ${status}`);
}

function requestOf(credential: KeystoneCredential, scope: 'project' | 'system'): unknown {
  if (credential.kind === 'application') {
    const { id, secret } = credential;
    return {
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id, secret: secret.reveal() },
        },
      },
    };
  }
  const { user, userDomain, password, project, projectDomain } = credential;
  return {
    auth: {
      identity: {
        methods: ['password'],
        password: {
          user: { name: user, domain: { name: userDomain }, password: password.reveal() },
        },
      },
      scope:
        scope === 'system'
          ? { system: { all: true } }
          : { project: { name: project, domain: { name: projectDomain } } },
    },
  };
}
