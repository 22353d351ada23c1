import { z } from 'zod';
import type { Caller } from '../../auth/caller.js';
import { InvalidInputError } from '../../base/errors.js';
import type { JsonObject } from '../../base/json.js';
import type { ImportRequest } from '../../engine/service.js';
import { parseBody } from './body.js';

/** What stands in the body of an import's request. */
export const IMPORT_BODY = z.strictObject({
  // What stands beside the name is the method's own and checked by its schema.
  method: z.looseObject({ name: z.string().min(1) }),
  stores: z.array(z.string().min(1)).min(1).optional(),
  all_stores: z.boolean().optional(),
  all_stores_must_succeed: z.boolean().optional(),
  checksum: z.string().optional(),
});

/** Digests that `checksum` may name, with their length in hex digits. */
const CHECKSUMS: ReadonlyMap<string, number> = new Map([
  ['md5', 32],
  ['sha1', 40],
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

const MAX_IDEMPOTENCY_KEY = 255;

export interface ImportHeaders {
  /** `X-Image-Meta-Store`, for clients that choose the one store so; empty where it is absent. */
  readonly store: string;
  /** `Idempotency-Key`; empty where it is absent. */
  readonly idempotencyKey: string;
}

/**
 * The body of `POST …/import` and `POST …/plan` (IMP-02, IMP-07).
 * @throws {InvalidInputError} `BODY_INVALID` · `CHECKSUM_INVALID` · `IDEMPOTENCY_KEY_INVALID`
 */
export function parseImportRequest(
  body: unknown,
  headers: ImportHeaders,
  target: { readonly imageId: string; readonly caller: Caller },
): ImportRequest {
  const parsed = parseBody(IMPORT_BODY, body);
  const { name, ...params } = parsed.method;
  const stores =
    parsed.stores ??
    (headers.store === '' || parsed.all_stores === true ? undefined : [headers.store]);
  const { idempotencyKey } = headers;
  if (idempotencyKey.length > MAX_IDEMPOTENCY_KEY) {
    throw new InvalidInputError({
      code: 'IDEMPOTENCY_KEY_INVALID',
      message: `The idempotency key has ${idempotencyKey.length} characters`,
      hint: `Use at most ${MAX_IDEMPOTENCY_KEY}, for example a UUID`,
    });
  }
  return {
    ...target,
    method: name,
    // It comes from a JSON text, so every value is JSON.
    params: params as JsonObject,
    ...(stores === undefined ? {} : { stores }),
    ...(parsed.all_stores === undefined ? {} : { allStores: parsed.all_stores }),
    ...(parsed.all_stores_must_succeed === undefined
      ? {}
      : { allStoresMustSucceed: parsed.all_stores_must_succeed }),
    ...(parsed.checksum === undefined ? {} : { checksum: parseChecksum(parsed.checksum) }),
    ...(idempotencyKey === '' ? {} : { idempotencyKey }),
  };
}

function parseChecksum(text: string): NonNullable<ImportRequest['checksum']> {
  const [algorithm = '', value = ''] = text.toLowerCase().split(':');
  if (CHECKSUMS.get(algorithm) === value.length && /^[0-9a-f]+$/.test(value)) {
    return { algorithm, value };
  }
  throw new InvalidInputError({
    code: 'CHECKSUM_INVALID',
    message: `"${text.slice(0, 160)}" is not a checksum`,
    hint: `Write "algorithm:hex", with one of ${[...CHECKSUMS.keys()].join(', ')}`,
  });
}
