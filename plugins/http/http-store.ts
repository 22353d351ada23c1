import type { Readable } from 'node:stream';
import { NotFoundError, PermanentError, TransientError, UnsupportedError } from '../../core/api.js';
import type {
  ByteRange,
  FetchResponse,
  GuardedFetch,
  Store,
  StoredObject,
} from '../../core/api.js';
import type { HttpConfig } from './http-config.js';

/**
 * Images that web servers hold under URLs which somebody has registered. They are only read: nothing
 * is ever written there, and what is deleted here stays there.
 */
export class HttpStore implements Store {
  readonly rangeRead = true;

  constructor(
    private readonly config: HttpConfig,
    private readonly fetch: GuardedFetch,
  ) {}

  write(): Promise<StoredObject> {
    return Promise.reject(
      new UnsupportedError({
        code: 'STORE_READ_ONLY',
        message: 'Web servers are read, never written',
        hint: 'Name a store that takes images',
      }),
    );
  }

  async open(
    url: string,
    { range, signal }: { readonly range?: ByteRange; readonly signal?: AbortSignal },
  ): Promise<Readable> {
    const headers: Record<string, string> =
      range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
    const response = await this.#ask('GET', url, headers, signal);
    if (range === undefined ? response.status === 200 : isPart(response, range)) {
      return response.body;
    }
    response.body.destroy();
    if (response.status >= 300) throw answered(url, response.status);
    throw new PermanentError({
      code: 'STORE_BROKEN',
      message: `${withoutQuery(url)} does not give the part of its content that was asked for`,
      hint: 'Ask for the whole image',
    });
  }

  async stat(url: string): Promise<{ readonly size: number }> {
    const response = await this.#ask('HEAD', url, {}, undefined);
    response.body.destroy();
    if (response.status !== 200) throw answered(url, response.status);
    const length = response.headers['content-length'] ?? '';
    if (/^\d{1,15}$/.test(length)) return { size: Number(length) };
    throw new PermanentError({
      code: 'STORE_BROKEN',
      message: `${withoutQuery(url)} does not say how long its content is`,
      hint: 'Have the server answer HEAD with Content-Length',
    });
  }

  /** What is not here is not deleted here. */
  delete(): Promise<void> {
    return Promise.resolve();
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }

  #ask(
    method: 'GET' | 'HEAD',
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<FetchResponse> {
    const { allow, connect_timeout, idle_timeout, max_redirects } = this.config;
    return this.fetch.open(url, {
      method,
      headers: { 'accept-encoding': 'identity', ...headers },
      allow,
      connectTimeoutMs: connect_timeout,
      idleTimeoutMs: idle_timeout,
      maxRedirects: max_redirects,
      signal: signal ?? new AbortController().signal,
    });
  }
}

/** Whether the answer is the very part that was asked for (RFC 9110, 14.4). */
function isPart({ status, headers }: FetchResponse, { start, end }: ByteRange): boolean {
  const said = headers['content-range'] ?? '';
  return status === 206 && said.startsWith(`bytes ${start}-${end - 1}/`);
}

function answered(url: string, status: number): Error {
  const facts = {
    message: `${withoutQuery(url)} answered with status ${status}`,
    hint: 'Check the address; it must answer a GET without signing in',
  };
  if (status === 404 || status === 410) {
    return new NotFoundError({ code: 'OBJECT_NOT_FOUND', ...facts });
  }
  if (status >= 500 || status === 429) {
    return new TransientError({ code: 'STORE_UNAVAILABLE', ...facts });
  }
  return new PermanentError({ code: 'STORE_BROKEN', ...facts });
}

/** A query may hold a signature that is as good as a password. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '');
}
