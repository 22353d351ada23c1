import { InvalidInputError } from '../../base/errors.js';

/** The two media types of `PATCH /v2/images/{id}` (API-13). */
export const PATCH_V20 = 'application/openstack-images-v2.0-json-patch';
export const PATCH_V21 = 'application/openstack-images-v2.1-json-patch';
export const PATCH_TYPES = [PATCH_V20, PATCH_V21] as const;

export const PATCH_OPERATIONS = ['add', 'remove', 'replace'] as const;

/** One operation, its pointer and value as the client has given them. */
export interface PatchOperation {
  readonly op: (typeof PATCH_OPERATIONS)[number];
  readonly path: unknown;
  /** Absent where the client has given none. */
  readonly value?: unknown;
}

/**
 * The operations of a JSON patch: of RFC 6902 (10, v2.1), or of its fourth draft (4, v2.0), where the
 * operation is the name of the member that holds the path.
 * @throws {InvalidInputError} `PATCH_INVALID`
 */
export function parseJsonPatch(body: unknown, draft: 4 | 10): readonly PatchOperation[] {
  if (!Array.isArray(body)) throw patchInvalid('A patch is an array of operations');
  return body.map((item: unknown) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      throw patchInvalid('Each operation of a patch is an object');
    }
    const operation = item as Record<string, unknown>;
    const op = draft === 10 ? operationOf(operation) : draft4OperationOf(operation);
    const path = draft === 10 ? operation['path'] : operation[op];
    return {
      op,
      path,
      ...(Object.hasOwn(operation, 'value') ? { value: operation['value'] } : {}),
    };
  });
}

export function patchInvalid(message: string): InvalidInputError {
  return new InvalidInputError({
    code: 'PATCH_INVALID',
    message,
    hint: `Send RFC 6902 operations as "${PATCH_V21}"`,
  });
}

function operationOf(operation: Record<string, unknown>): PatchOperation['op'] {
  const op = PATCH_OPERATIONS.find((known) => known === operation['op']);
  if (op !== undefined) return op;
  throw patchInvalid(`An operation needs "op": one of ${PATCH_OPERATIONS.join(', ')}`);
}

function draft4OperationOf(operation: Record<string, unknown>): PatchOperation['op'] {
  const [op, ...others] = PATCH_OPERATIONS.filter((known) => Object.hasOwn(operation, known));
  if (op !== undefined && others.length === 0) return op;
  throw patchInvalid(`An operation has exactly one member of ${PATCH_OPERATIONS.join(', ')}`);
}
