import type { Identity, ServiceSession } from '../../../core/api.js';
import type { CinderConfig } from '../cinder-config.js';

/** Names that the catalogue has had for Cinder. */
const TYPES = ['block-storage', 'block-store', 'volumev3', 'volume'];

/** As whom, and where, Cinder is asked. */
export interface SignIn {
  token(): Promise<string>;
  refused(token: string): void;
  /** URL with the version, without a slash at its end. */
  endpoint(): Promise<string>;
}

export function signIn(config: CinderConfig, identity: Identity): SignIn {
  const { keystone, noauth, endpoint = '' } = config;
  if (keystone !== undefined) return new Account(config, identity.session(keystone));
  const token = `${noauth?.user ?? ''}:${noauth?.project ?? ''}`;
  return {
    token: () => Promise.resolve(token),
    refused: () => undefined,
    endpoint: () => Promise.resolve(endpoint),
  };
}

class Account implements SignIn {
  #endpoint: string | undefined;

  constructor(
    private readonly config: CinderConfig,
    private readonly session: ServiceSession,
  ) {
    this.#endpoint = config.endpoint;
  }

  token(): Promise<string> {
    return this.session.token();
  }

  refused(token: string): void {
    this.session.refused(token);
  }

  async endpoint(): Promise<string> {
    const { region, interface: side } = this.config;
    this.#endpoint ??= await this.session.endpoint({
      types: TYPES,
      interface: side,
      ...(region === undefined ? {} : { region }),
    });
    return this.#endpoint;
  }
}
