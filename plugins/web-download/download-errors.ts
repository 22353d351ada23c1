import { PermanentError, RejectedError, StowageError, TransientError } from '../../core/api.js';
import { withoutQuery } from './http-answer.js';

/** The content does not fit in what the config allows. */
export function tooLarge(size: string, maxSize: number): RejectedError {
  return new RejectedError({
    code: 'SIZE_EXCEEDED',
    message: `The image has ${size}; at most ${maxSize} bytes are downloaded`,
    hint: 'Use a smaller image; an operator raises the limit in the config of web-download: max_size',
    details: { maxSize },
  });
}

/** An attempt has used up its time. */
export function tooSlow(url: string, timeoutMs: number): PermanentError {
  return new PermanentError({
    code: 'SOURCE_TOO_SLOW',
    message: `${withoutQuery(url)} has not sent the image within ${Math.round(timeoutMs / 1000)} s`,
    hint: 'Use a faster source; an operator gives more time in the config of web-download: total_timeout',
  });
}

/** Whether this failure, or each of several, is that the content is another now. */
export function isChange(error: unknown): boolean {
  if (!(error instanceof StowageError)) return false;
  const codes = error.details['codes'];
  return (Array.isArray(codes) ? codes : [error.code]).every((code) => code === 'SOURCE_CHANGED');
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

/** One address has failed for good, and the next cannot go on with its bytes. */
export function startsOverElsewhere(from: string, to: string, cause: Error): TransientError {
  return new TransientError({
    code: 'SOURCE_CHANGED',
    message: `${withoutQuery(from)} fails: ${cause.message}`,
    hint: `The download starts over at ${withoutQuery(to)} by itself; with a "checksum" it could go on there`,
    retryAfterMs: 0,
    cause,
  });
}

/** What all addresses of one image have failed with, in their order; the worth of a retry is that of the best. */
export function allFailed(failures: readonly Error[]): Error {
  const [first, second] = failures;
  if (first !== undefined && second === undefined) return first;
  const facts = {
    message: `None of ${failures.length} addresses gives the image: ${failures.map(({ message }) => message).join('; ')}`,
    details: {
      codes: failures.map((error) => (error instanceof StowageError ? error.code : 'INTERNAL')),
    },
    cause: first,
  };
  const passing = failures.filter((error) => error instanceof TransientError);
  if (passing.length === 0) {
    return new PermanentError({
      ...facts,
      code: 'SOURCES_FAILED',
      hint: 'Check the addresses in "uri" and "mirrors"',
    });
  }
  return new TransientError({
    ...facts,
    code: 'SOURCE_UNREACHABLE',
    hint: 'It is tried again by itself',
    retryAfterMs: Math.min(...passing.map(({ retryAfterMs }) => retryAfterMs ?? 0)),
  });
}
