import { CapacityError, StowageError, TransientError } from '../../base/errors.js';
import type { ErrorClass } from '../../base/errors.js';

/** Where HTTP numbers are chosen: nowhere else. */
const STATUS_BY_CLASS: Record<ErrorClass, number> = {
  invalid_input: 400,
  unsupported: 501,
  rejected: 400,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  capacity: 413,
  transient: 503,
  integrity: 502,
  permanent: 500,
  cancelled: 409,
  bug: 500,
};

/** Codes for which HTTP or the Image API has a number of its own. */
const STATUS_BY_CODE: ReadonlyMap<string, number> = new Map([
  ['CHECKSUM_MISMATCH', 400],
  ['UNAUTHENTICATED', 401],
  ['METHOD_NOT_ALLOWED', 405],
  ['UPLOAD_STALLED', 408],
  ['IMAGE_DELETED', 410],
  ['TUS_VERSION', 412],
  ['BODY_TOO_LARGE', 413],
  ['IMAGE_TOO_LARGE', 413],
  ['SIZE_EXCEEDED', 413],
  ['MEDIA_TYPE_UNSUPPORTED', 415],
  ['RANGE_NOT_SATISFIABLE', 416],
  ['UPLOAD_BUSY', 423],
  ['SHUTTING_DOWN', 503],
  // Also where an upload's import has failed with it, and its row keeps no time.
  ['STAGING_DISK_FULL', 503],
  ['STAGING_FULL', 503],
]);

/** Codes that mean another number where a client sends bytes (API-50). */
const STATUS_BY_CLASS_OF_UPLOADS: Partial<Record<ErrorClass, number>> = {
  rejected: 415,
  integrity: 400,
};

const STATUS_BY_CODE_OF_UPLOADS: ReadonlyMap<string, number> = new Map([['FORMATS_UNSET', 400]]);

const DEFAULT_RETRY_AFTER_S = 10;

/** The answer's status for anything thrown. @param upload the request sends the bytes of an image */
export function statusOf(error: unknown, upload: boolean): number {
  if (!(error instanceof StowageError)) return 500;
  const byCode = STATUS_BY_CODE.get(error.code);
  if (byCode !== undefined) return byCode;
  if (error instanceof CapacityError && error.retryAfter !== undefined) return 503;
  const ofCode = upload ? STATUS_BY_CODE_OF_UPLOADS.get(error.code) : undefined;
  if (ofCode !== undefined) return ofCode;
  const ofUploads = upload ? STATUS_BY_CLASS_OF_UPLOADS[error.class] : undefined;
  return ofUploads ?? STATUS_BY_CLASS[error.class];
}

/** Seconds for `Retry-After`; `undefined` where asking again does not help. */
export function retryAfterOf(error: unknown): number | undefined {
  if (error instanceof CapacityError) {
    const helps = STATUS_BY_CODE.get(error.code) === 503;
    return error.retryAfter ?? (helps ? DEFAULT_RETRY_AFTER_S : undefined);
  }
  if (error instanceof TransientError) {
    return error.retryAfterMs === undefined
      ? DEFAULT_RETRY_AFTER_S
      : Math.ceil(error.retryAfterMs / 1000);
  }
  const stopping = error instanceof StowageError && error.code === 'SHUTTING_DOWN';
  return stopping ? DEFAULT_RETRY_AFTER_S : undefined;
}
