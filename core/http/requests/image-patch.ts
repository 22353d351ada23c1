import { ForbiddenError } from '../../base/errors.js';
import type { ImageEdit } from '../../catalogue/catalogue.js';
import { assertWritableName } from '../../catalogue/property-rules.js';
import { isField, parseField } from '../presenters/image-fields.js';
import { isAbsent, parsePropertyValue } from './image-body.js';
import { parseJsonPatch, patchInvalid } from './json-patch.js';
import type { PatchOperation } from './json-patch.js';

/**
 * The changes of a JSON patch, each reduced to whole attributes.
 * @throws {InvalidInputError} `PATCH_INVALID` · `ATTRIBUTE_INVALID`
 * @throws {ForbiddenError} `PROPERTY_READ_ONLY` · `PROPERTY_RESERVED` · `ATTRIBUTE_REQUIRED`
 */
export function parseImagePatch(body: unknown, draft: 4 | 10): readonly ImageEdit[] {
  return parseJsonPatch(body, draft).map((operation) => editOf(operation, draft));
}

function editOf(operation: PatchOperation, draft: 4 | 10): ImageEdit {
  const { op } = operation;
  const name = nameOf(operation.path);
  assertWritableName(name);
  if (op === 'remove') {
    if (!isField(name)) return { kind: 'property', op, name };
    throw new ForbiddenError({
      code: 'ATTRIBUTE_REQUIRED',
      message: `Attribute "${name}" cannot be removed`,
      hint: 'Replace it',
    });
  }
  if (!Object.hasOwn(operation, 'value')) throw patchInvalid(`Operation "${op}" needs a "value"`);
  const { value } = operation;
  if (isField(name)) return { kind: 'attributes', value: parseField(name, value) };
  if (isAbsent(name, value)) return { kind: 'property', op: 'remove', name };
  return {
    kind: 'property',
    op: op === 'add' && draft === 4 ? 'create' : op,
    name,
    value: parsePropertyValue(name, value),
  };
}

/** The only segment of a JSON pointer (RFC 6901). */
function nameOf(path: unknown): string {
  if (typeof path !== 'string') throw patchInvalid('An operation needs a path');
  assertWritableName(path.split('/')[1] ?? '');
  if (!/^\/(?:[^/~]|~[01])+$/.test(path)) {
    throw patchInvalid(`"${path.slice(0, 80)}" is not a pointer to an attribute, such as "/name"`);
  }
  return path.slice(1).replaceAll('~1', '/').replaceAll('~0', '~').trim();
}
