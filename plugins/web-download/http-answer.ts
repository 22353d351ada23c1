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
    hint:
      status === 401 || status === 403
        ? `Check the address; where it wants credentials, an operator gives them in the config: credentials: [{ url: ${new URL(url).origin}/, … }]`
        : 'Check the address; it must answer a GET with the image',
    details,
  });
}

/** The answer contradicts itself, or was not asked for. */
export function wrongAnswer(url: string, why: string): PermanentError {
  return new PermanentError({
    code: 'SOURCE_ANSWER_INVALID',
    message: `The answer of ${withoutQuery(url)} cannot be used: ${why}`,
    hint: 'Check the server that sends the image; a proxy before it may change what it sends',
  });
}

/**
 * Digests, lengths and ranges are those of the bytes that the server keeps, so they have to come as they
 * are: `identity` was asked for.
 * @throws {PermanentError} `SOURCE_ENCODED`
 */
export function assertIdentity({ headers, url }: FetchResponse): void {
  const coding = [headers['content-encoding'], headers['transfer-encoding']]
    .flatMap((header) => header?.toLowerCase().split(',') ?? [])
    .map((name) => name.trim())
    .find((name) => !['', 'identity', 'chunked'].includes(name));
  if (coding === undefined) return;
  throw new PermanentError({
    code: 'SOURCE_ENCODED',
    message: `${withoutQuery(url)} sends its bytes encoded as "${coding}", although they were asked for as they are`,
    hint: 'Have the server send the file without Content-Encoding; a compressed image is imported as the file that it is',
  });
}

export interface ContentRange {
  /** First and last byte; `undefined` where the range was not satisfied. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly total: number | undefined;
}

/** What `Content-Range` says: RFC 9110, 14.4. */
export function contentRange(header: string | undefined): ContentRange | undefined {
  const [, start, end, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(header ?? '') ?? [];
  if (total === undefined) return undefined;
  return {
    start: start === undefined ? undefined : Number(start),
    end: end === undefined ? undefined : Number(end),
    total: total === '*' ? undefined : Number(total),
  };
}

/** `Content-Length`, where it is given. */
export function contentLength({ headers }: FetchResponse): number | undefined {
  const length = headers['content-length'];
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}

/**
 * Identifies the content in an `If-Range`, which takes strong validators only: RFC 9110, 13.1.5. A date
 * says too little of a content whose length is not known.
 */
export function strongValidator(
  headers: FetchResponse['headers'],
  size: number | undefined,
): string | undefined {
  const { etag, 'last-modified': modified, date } = headers;
  if (etag?.startsWith('"') === true) return etag;
  if (modified === undefined || date === undefined || size === undefined) return undefined;
  // 8.8.2.2: a date is strong when it is at least a second before that of the answer.
  return Date.parse(modified) + 1000 <= Date.parse(date) ? modified : undefined;
}

/** Whether an answer denies that its content is the one with this validator: not every server heeds `If-Range`. */
export function isOther(headers: FetchResponse['headers'], validator: string): boolean {
  const now = validator.startsWith('"') ? headers['etag'] : headers['last-modified'];
  return now !== undefined && now !== validator;
}

/** A query may hold a signature that is as good as a password. */
export function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

/** Seconds, or a date: RFC 9110, 10.2.3. */
function retryAfter(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now.getTime();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
