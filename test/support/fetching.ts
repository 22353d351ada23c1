import type { LookupAddress } from 'node:dns';
import type { RequestListener } from 'node:http';
import type { Readable } from 'node:stream';
import { expect } from 'vitest';
import { describeFailure, type ErrorClass, type Failure } from '../../core/base/errors.js';
import type { HostLookup } from '../../core/client/resolve.js';
import type { FetchOptions } from '../../core/plugin/contract/services.js';

/** Where a listener is that the options of {@link options} let through. */
export const LOOPBACK = { host: '127.0.0.1' };
/** A resolver that never answers. */
export const HANGING: HostLookup = () => new Promise(() => undefined);

/** Loopback is allowed, every deadline far away. */
export function options(overrides: Partial<FetchOptions> = {}): FetchOptions {
  return {
    allow: ['127.0.0.0/8'],
    connectTimeoutMs: 5000,
    idleTimeoutMs: 5000,
    maxRedirects: 3,
    signal: new AbortController().signal,
    ...overrides,
  };
}

/** Answers the lookups of a name one after the other; the last answer stays. */
export function lookups(...answers: string[][]): {
  readonly lookup: HostLookup;
  readonly asked: string[];
} {
  const asked: string[] = [];
  return {
    asked,
    lookup: (name) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
      asked.push(name);
      return Promise.resolve(
        answer.map((address): LookupAddress => ({
          address,
          family: address.includes(':') ? 6 : 4,
        })),
      );
    },
  };
}

/** What a promise was rejected with; a bug when it was not. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  return describeFailure(
    await promise.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
}

/** Matches errors and failures of this class and code. */
export function facts(errorClass: ErrorClass, code: string): unknown {
  return expect.objectContaining({ class: errorClass, code });
}

export async function textOf(body: AsyncIterable<unknown>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of body) if (part instanceof Uint8Array) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

/** Waits without caring about errors, which `once` of Node would throw. */
export function closed(body: Readable): Promise<void> {
  return new Promise((resolve) => body.once('close', resolve));
}

/** Redirects `/n` to what `places` holds under n, and answers everything else with its headers. */
export function redirecting(places: readonly string[], status = 302): RequestListener {
  return (request, response) => {
    const place = places[Number.parseInt(request.url?.slice(1) ?? '')];
    if (place === undefined) response.end(JSON.stringify(request.headers));
    else response.writeHead(status, { location: place }).end('moved');
  };
}
