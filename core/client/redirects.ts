import type { Target } from './target.js';

/** Statuses that name another place for a GET or HEAD (RFC 9110, section 15.4). */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** Headers that say nothing about the caller: another origin may see them. */
const HARMLESS: readonly string[] = [
  'accept',
  'accept-encoding',
  'accept-language',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  'user-agent',
];

/** The `location` of an answer that redirects; `undefined` for every other answer. */
export function redirectLocation(
  status: number,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  return REDIRECTS.includes(status) ? headers['location'] : undefined;
}

/**
 * The headers for the next request of a chain. To another origin (scheme, host and port) go only those
 * known to be harmless: a credential can stand under any name. What was left out once stays out, also
 * when a later redirect leads back.
 */
export function redirectedHeaders(
  headers: Readonly<Record<string, string>>,
  from: Target,
  to: Target,
): Readonly<Record<string, string>> {
  if (from.url.origin === to.url.origin) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.includes(name)));
}
