import { ForbiddenError, InvalidInputError } from '../../base/errors.js';
import type { ImageEdit } from '../../catalogue/catalogue.js';
import { assertWritableName } from '../../catalogue/property-rules.js';
import { isField, parseField } from '../presenters/image-fields.js';
import { isAbsent, parsePropertyValue } from './image-body.js';

/** The two media types of `PATCH /v2/images/{id}` (API-13). */
export const PATCH_V20 = 'application/openstack-images-v2.0-json-patch';
export const PATCH_V21 = 'application/openstack-images-v2.1-json-patch';
export const PATCH_TYPES = [PATCH_V20, PATCH_V21] as const;

export const PATCH_OPERATIONS = ['add', 'remove', 'replace'] as const;
type Operation = (typeof PATCH_OPERATIONS)[number];

/**
 * The changes of a JSON patch: RFC 6902 (v2.1), or its fourth draft (v2.0), each reduced to whole
 * attributes.
 * @throws {InvalidInputError} `PATCH_INVALID` · `ATTRIBUTE_INVALID`
 * @throws {ForbiddenError} `PROPERTY_READ_ONLY` · `PROPERTY_RESERVED` · `ATTRIBUTE_REQUIRED`
 */
export function parseImagePatch(body: unknown, draft: 4 | 10): readonly ImageEdit[] {
  if (!Array.isArray(body)) throw invalid('A patch is an array of operations');
  return body.map((item: unknown) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      throw invalid('Each operation of a patch is an object');
    }
    const operation = item as Record<string, unknown>;
    const op = draft === 10 ? operationOf(operation) : draft4OperationOf(operation);
    const name = nameOf(draft === 10 ? operation['path'] : operation[op]);
    return editOf(op, name, operation, draft);
  });
}

function editOf(
  op: Operation,
  name: string,
  operation: Record<string, unknown>,
  draft: 4 | 10,
): ImageEdit {
  assertWritableName(name);
  if (op === 'remove') {
    if (!isField(name)) return { kind: 'property', op, name };
    throw new ForbiddenError({
      code: 'ATTRIBUTE_REQUIRED',
      message: `Attribute "${name}" cannot be removed`,
      hint: 'Replace it',
    });
  }
  if (!Object.hasOwn(operation, 'value')) throw invalid(`Operation "${op}" needs a "value"`);
  const value = operation['value'];
  if (isField(name)) return { kind: 'attributes', value: parseField(name, value) };
  if (isAbsent(name, value)) return { kind: 'property', op: 'remove', name };
  return {
    kind: 'property',
    op: op === 'add' && draft === 4 ? 'create' : op,
    name,
    value: parsePropertyValue(name, value),
  };
}

function operationOf(operation: Record<string, unknown>): Operation {
  const op = PATCH_OPERATIONS.find((known) => known === operation['op']);
  if (op !== undefined) return op;
  throw invalid(`An operation needs "op": one of ${PATCH_OPERATIONS.join(', ')}`);
}

/** In the fourth draft the operation is the name of the member that holds the path. */
function draft4OperationOf(operation: Record<string, unknown>): Operation {
  const [op, ...others] = PATCH_OPERATIONS.filter((known) => Object.hasOwn(operation, known));
  if (op !== undefined && others.length === 0) return op;
  throw invalid(`An operation has exactly one member of ${PATCH_OPERATIONS.join(', ')}`);
}

/** The only segment of a JSON pointer (RFC 6901). */
function nameOf(path: unknown): string {
  if (typeof path !== 'string') throw invalid('An operation needs a path');
  assertWritableName(path.split('/')[1] ?? '');
  if (!/^\/(?:[^/~]|~[01])+$/.test(path)) {
    throw invalid(`"${path.slice(0, 80)}" is not a pointer to an attribute, such as "/name"`);
  }
  return path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~').trim();
}

function invalid(message: string): InvalidInputError {
  return new InvalidInputError({
    code: 'PATCH_INVALID',
    message,
    hint: `Send RFC 6902 operations as "${PATCH_V21}"`,
  });
}
