import { Secret } from '../../core/api.js';
import type { FetchOptions, FetchProxy, FetchResponse, GuardedFetch } from '../../core/api.js';
import { basicAuthorization, credentialsFor } from './credentials.js';
import type { WebDownloadConfig } from './web-download-config.js';

/** Sends the requests of all downloads as the config wants them. */
export class Requests {
  readonly #options: Omit<FetchOptions, 'signal' | 'headers'>;

  constructor(
    config: WebDownloadConfig,
    private readonly fetch: GuardedFetch,
  ) {
    const { allow, ports, ca_file: ca, proxy } = config;
    this.#options = {
      allow,
      ports,
      connectTimeoutMs: config.connect_timeout,
      idleTimeoutMs: config.idle_timeout,
      maxRedirects: config.max_redirects,
      credentials: credentialsFor(config.credentials),
      ...(ca === undefined ? {} : { ca }),
      ...(proxy === undefined ? {} : { proxy: proxyOf(proxy) }),
    };
  }

  /** What `get` would refuse at once. */
  check(url: string): void {
    this.fetch.check(url, this.#options);
  }

  get(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<FetchResponse> {
    return this.fetch.open(url, {
      ...this.#options,
      // Bytes as they are kept: a range of a compressed answer would be one of other bytes.
      headers: { 'accept-encoding': 'identity', ...headers },
      signal,
    });
  }
}

function proxyOf({
  url,
  username,
  password,
  ca_file: ca,
  resolves,
}: NonNullable<WebDownloadConfig['proxy']>): FetchProxy {
  return {
    url,
    resolves,
    ...(ca === undefined ? {} : { ca }),
    ...(username === undefined || password === undefined
      ? {}
      : { authorization: new Secret(basicAuthorization(username, password)) }),
  };
}
