import type { Clock } from '../../base/clock.js';
import { KeystoneHttp, failing } from './keystone-http.js';
import type { KeystoneAnswer, KeystoneHttpOptions } from './keystone-http.js';
import { ServiceToken } from './service-token.js';
import type { KeystoneCredential } from './service-token.js';
import { tokenFacts } from './token-facts.js';
import type { TokenFacts } from './token-facts.js';

export interface KeystoneOptions extends KeystoneHttpOptions {
  readonly credential: KeystoneCredential;
}

/** OpenStack's identity service, asked in the name of this server. */
export class Keystone {
  readonly #http: KeystoneHttp;
  readonly #own: ServiceToken;
  readonly #system: ServiceToken;

  constructor(options: KeystoneOptions, clock: Clock) {
    this.#http = new KeystoneHttp(options);
    this.#own = new ServiceToken(this.#http, options.credential, clock);
    this.#system = new ServiceToken(this.#http, options.credential, clock, 'system');
  }

  /**
   * What Keystone says of a token; `undefined` for one that is not valid.
   * @param options `allowExpired`: also one that has expired not long ago
   * @throws {TransientError} `KEYSTONE_UNREACHABLE` · `KEYSTONE_FAILS`
   */
  async validate(
    token: string,
    options: { readonly allowExpired: boolean },
  ): Promise<TokenFacts | undefined> {
    const query = options.allowExpired ? 'nocatalog&allow_expired=1' : 'nocatalog';
    const answer = await this.#ask(this.#own, 'GET', `/auth/tokens?${query}`, {
      'x-subject-token': token,
    });
    if (answer.status === 404) return undefined;
    return tokenFacts(answer.body);
  }

  /**
   * What lies at a path below the base URL, as who has a role in the whole system sees it. Needs a
   * credential with user and password.
   * @throws as {@link validate}
   */
  async getOfSystem(path: string): Promise<unknown> {
    return (await this.#ask(this.#system, 'GET', path, {})).body;
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #ask(
    token: ServiceToken,
    method: 'GET',
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<KeystoneAnswer> {
    // A token that has been revoked before its time is replaced once.
    for (const attempt of ['first', 'last']) {
      const own = await token.get();
      const answer = await this.#http.call(method, path, {
        headers: { ...headers, 'x-auth-token': own },
      });
      if (answer.status === 401) token.refused(own);
      if (answer.status === 200 || answer.status === 404) return answer;
      if (attempt === 'last' || answer.status !== 401) {
        throw failing(`it refuses this server with ${answer.status}`);
      }
    }
    throw new Error('There is no attempt after the last one');
  }
}
