import { CancelledError, InvalidInputError } from '../base/errors.js';
import type { FetchOptions, FetchResponse, GuardedFetch } from '../plugin/contract/services.js';
import { guardAddresses, type Reach } from './address-guard.js';
import { abortReason } from './deadline.js';
import { exchange, type Answer } from './exchange.js';
import { parseNetworks } from './networks.js';
import { redirectedHeaders, redirectLocation } from './redirects.js';
import { resolveTarget, systemLookup, type HostLookup } from './resolve.js';
import { describeTarget, literalAddress, parseTarget, type Target } from './target.js';

/**
 * HTTP for addresses that strangers choose. This folder knows nothing of images or imports; it guards that
 * no request reaches an address that was not checked: names are resolved once per hop, every address is
 * judged, and the connection is made to the judged addresses only.
 */
export interface GuardedFetchService extends GuardedFetch {
  /**
   * Aborts what is open, bodies included, with `SHUTTING_DOWN` and refuses what comes after.
   * Resolves when all connections are closed; may be called again.
   */
  stop(): Promise<void>;
}

export interface GuardedFetchParts {
  /** @default the system's resolver */
  readonly lookup?: HostLookup;
}

export function createGuardedFetch(parts: GuardedFetchParts = {}): GuardedFetchService {
  const lookup = parts.lookup ?? systemLookup;
  const calls = new Set<Call>();
  let isStopped = false;
  return {
    check(url, options) {
      const target = parseTarget(url);
      const literal = literalAddress(target);
      const reach = reachOf(options);
      if (literal !== undefined) guardAddresses(target, [literal], reach);
    },

    async open(url, options) {
      if (isStopped) throw shuttingDown();
      const call = startCall(options.signal);
      calls.add(call);
      const end = (): void => {
        call.end();
        calls.delete(call);
      };
      try {
        const response = await follow(url, { ...options, signal: call.signal }, lookup);
        const { body } = response;
        if (body.closed) end();
        else body.once('close', end);
        // Bytes that have all come and were not read hold no connection that could break.
        call.signal.addEventListener('abort', () => body.destroy(abortReason(call.signal)), {
          once: true,
        });
        return response;
      } catch (error) {
        end();
        throw error;
      }
    },

    async stop() {
      isStopped = true;
      const open = [...calls];
      for (const call of open) call.abort(shuttingDown());
      await Promise.all(open.map(({ ended }) => ended));
    },
  };
}

/** Asks for a URL and for what it redirects to, until an answer is none. */
async function follow(
  url: string,
  options: FetchOptions,
  lookup: HostLookup,
): Promise<FetchResponse> {
  const { method = 'GET', connectTimeoutMs, idleTimeoutMs, maxRedirects, signal } = options;
  const { proxy, ca, credentials } = options;
  const resolving = {
    ...{ lookup, reach: reachOf(options), timeoutMs: connectTimeoutMs, signal },
    isProxied: proxy?.resolves === true,
  };
  let target = parseTarget(url);
  let headers = withCredentials(requestHeaders(options), target);
  for (let redirects = 0; ; redirects += 1) {
    const addresses = await resolveTarget(target, resolving);
    const answer = await exchange({
      ...{ target, addresses, method, connectTimeoutMs, idleTimeoutMs, signal },
      // For this hop alone: what a redirect leads to is asked for anew.
      headers: { ...headers, ...lowerCased(credentials?.(new URL(target.url)) ?? {}) },
      ...(proxy === undefined ? {} : { proxy }),
      ...(ca === undefined ? {} : { ca }),
    });
    const location = redirectLocation(answer.status, answer.headers);
    if (location === undefined) return present(answer, target);
    answer.body.destroy();
    if (redirects >= maxRedirects) throw tooManyRedirects(target, maxRedirects);
    const next = parseTarget(location, target);
    headers = withCredentials(redirectedHeaders(headers, target, next), next);
    target = next;
  }
}

/** Lower-case names, with what every request has. */
function requestHeaders({ headers = {} }: FetchOptions): Readonly<Record<string, string>> {
  return {
    accept: '*/*',
    // Lengths, ranges and digests are those of the bytes at rest.
    'accept-encoding': 'identity',
    'user-agent': 'stowage',
    ...lowerCased(headers),
  };
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function reachOf({ allow, ports }: Pick<FetchOptions, 'allow' | 'ports'>): Reach {
  return { allowed: parseNetworks(allow), ports };
}

function withCredentials(
  headers: Readonly<Record<string, string>>,
  { authorization }: Target,
): Readonly<Record<string, string>> {
  return authorization === undefined ? headers : { ...headers, authorization };
}

function present({ status, headers, body }: Answer, target: Target): FetchResponse {
  return { status, headers, url: target.url.href, body };
}

/** One `open`, from its start until its body is closed. */
interface Call {
  /** Aborted with the caller's signal, and by `abort`. */
  readonly signal: AbortSignal;
  readonly ended: Promise<void>;
  abort(reason: Error): void;
  end(): void;
}

function startCall(outer: AbortSignal): Call {
  const controller = new AbortController();
  const forward = (): void => {
    controller.abort(abortReason(outer));
  };
  outer.addEventListener('abort', forward, { once: true });
  if (outer.aborted) forward();
  let markEnded = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    markEnded = resolve;
  });
  return {
    signal: controller.signal,
    ended,
    abort(reason) {
      controller.abort(reason);
    },
    end() {
      outer.removeEventListener('abort', forward);
      markEnded();
    },
  };
}

function tooManyRedirects(target: Target, maxRedirects: number): InvalidInputError {
  return new InvalidInputError({
    code: 'TOO_MANY_REDIRECTS',
    message: `${describeTarget(target)} redirects once more after ${maxRedirects} redirects`,
    hint: 'Give the URL that the redirects lead to',
  });
}

function shuttingDown(): CancelledError {
  return new CancelledError({
    code: 'SHUTTING_DOWN',
    message: 'The server is stopping; no request is sent any more',
  });
}
