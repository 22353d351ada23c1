import { PermanentError, TransientError } from '../../core/api.js';
import type { FetchResponse } from '../../core/api.js';

/** Statuses below 500 that may pass: request timeout, too early, too many requests. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** The error that a status stands for. */
export function statusError({ status, headers, url }: FetchResponse, now: Date): Error {
  const where = withoutQuery(url);
  const details = { status };
  if (status >= 500 || PASSING.has(status)) {
    const retryAfterMs = retryAfter(headers['retry-after'], now);
    return new TransientError({
      code: 'SOURCE_UNREACHABLE',
      message: `${where} answered with status ${status}`,
      hint: 'It is tried again by itself',
      details,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
  return new PermanentError({
    code: status === 404 || status === 410 ? 'SOURCE_NOT_FOUND' : 'SOURCE_REFUSED',
    message: `${where} answered with status ${status}`,
    hint: 'Check the address; it must answer a GET without signing in',
    details,
  });
}

/** The content has changed since the download began: the next attempt takes it from its start. */
export function sourceChanged(url: string): TransientError {
  return new TransientError({
    code: 'SOURCE_CHANGED',
    message: `The content at ${withoutQuery(url)} has changed since the download began`,
    hint: 'The download starts over by itself',
    retryAfterMs: 0,
  });
}

/** What `Content-Range` says: RFC 9110, 14.4. */
export function contentRange(
  header: string | undefined,
): { readonly start: number | undefined; readonly total: number | undefined } | undefined {
  const [, start, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(header ?? '') ?? [];
  if (total === undefined) return undefined;
  return {
    start: start === undefined ? undefined : Number(start),
    total: total === '*' ? undefined : Number(total),
  };
}

/** Identifies the content in an `If-Range`, which takes strong validators only: RFC 9110, 13.1.5. */
export function strongValidator(headers: FetchResponse['headers']): string | undefined {
  const { etag, 'last-modified': modified, date } = headers;
  if (etag !== undefined) return etag.startsWith('W/') ? undefined : etag;
  if (modified === undefined || date === undefined) return undefined;
  // 8.8.2.2: a date is strong when it is at least a second before that of the answer.
  return Date.parse(modified) + 1000 <= Date.parse(date) ? modified : undefined;
}

/** Seconds, or a date: RFC 9110, 10.2.3. */
function retryAfter(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now.getTime();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** A query may hold a signature that is as good as a password. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '');
}
