import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import type { Agent, Dispatcher } from 'undici';
import { InvalidInputError } from '../base/errors.js';
import type { FetchOptions, FetchResponse, GuardedFetch } from '../plugin/contract/services.js';
import { fetchError } from './fetch-errors.js';
import { pinnedAgent } from './pinned-agent.js';
import { parseUrl } from './request-url.js';
import type { RequestUrl } from './request-url.js';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Headers that are for the host that they were meant for alone. */
const SECRET_HEADERS = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-auth-token']);

/** `stop` ends what is under way. */
export function createGuardedFetch(): GuardedFetch & { stop(): Promise<void> } {
  return new PinnedFetch();
}

/**
 * Fetches from addresses that a stranger may choose. Invariant: each connection, behind redirects
 * too, goes to an address that was checked, by the address and not by the name.
 */
class PinnedFetch implements GuardedFetch {
  readonly #agents = new Set<Agent>();

  async open(text: string, options: FetchOptions): Promise<FetchResponse> {
    options.signal.throwIfAborted();
    let target = parseUrl(text);
    let headers = withAuthorization(
      { 'accept-encoding': 'identity', ...lower(options.headers) },
      target,
    );
    for (let redirects = 0; ; redirects += 1) {
      const { answer, agent } = await this.#request(target.url, headers, options);
      const location = REDIRECTS.has(answer.statusCode)
        ? single(answer.headers['location'])
        : undefined;
      if (location === undefined) {
        return {
          status: answer.statusCode,
          headers: flat(answer.headers),
          url: target.url.href,
          body: this.#body(answer.body, target.url, agent, options.signal),
        };
      }
      // The rest of the answer is not wanted, nor is its failure.
      answer.body.on('error', () => undefined).destroy();
      await this.#end(agent);
      if (redirects >= options.maxRedirects) throw tooManyRedirects(options.maxRedirects);
      const next = parseUrl(location, target.url);
      headers = withAuthorization(
        next.url.origin === target.url.origin ? headers : withoutSecrets(headers),
        next,
      );
      target = next;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#agents].map((agent) => this.#end(agent)));
  }

  async #request(
    url: URL,
    headers: Readonly<Record<string, string>>,
    options: FetchOptions,
  ): Promise<{ readonly answer: Dispatcher.ResponseData; readonly agent: Agent }> {
    let agent: Agent | undefined;
    try {
      agent = await pinnedAgent(url, options);
      this.#agents.add(agent);
      const answer = await agent.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: options.method ?? 'GET',
        headers: { ...headers },
        signal: options.signal,
      });
      return { answer, agent };
    } catch (error) {
      if (agent !== undefined) await this.#end(agent);
      options.signal.throwIfAborted();
      throw fetchError(error, url);
    }
  }

  /** A stream whose errors are told in our words, and whose end ends the connection. */
  #body(body: Readable, url: URL, agent: Agent, signal: AbortSignal): Readable {
    const out = new PassThrough();
    body.on('error', (error) => {
      out.destroy(signal.reason instanceof Error ? signal.reason : fetchError(error, url));
    });
    out.on('close', () => {
      body.destroy();
      void this.#end(agent);
    });
    return body.pipe(out);
  }

  async #end(agent: Agent): Promise<void> {
    this.#agents.delete(agent);
    await agent.destroy();
  }
}

function lower(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function withAuthorization(
  headers: Readonly<Record<string, string>>,
  { authorization }: RequestUrl,
): Readonly<Record<string, string>> {
  return authorization === undefined ? headers : { ...headers, authorization };
}

function withoutSecrets(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !SECRET_HEADERS.has(name)));
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function flat(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) result[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return result;
}

function tooManyRedirects(limit: number): InvalidInputError {
  return new InvalidInputError({
    code: 'TOO_MANY_REDIRECTS',
    message: `The source has redirected more than ${limit} times`,
    hint: 'Give the URL at which the redirects end',
    details: { maxRedirects: limit },
  });
}
