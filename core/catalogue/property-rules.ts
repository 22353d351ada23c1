import type { PropertyAct } from '../auth/rules/property-protections.js';
import type { PropertyConfig } from '../config/config.js';
import { CapacityError, ForbiddenError, InvalidInputError } from '../base/errors.js';
import {
  MAX_PROPERTY_NAME,
  MAX_PROPERTY_VALUE,
  RESERVED_PREFIX,
  isPropertyName,
  isPropertyValue,
  isReadOnlyName,
  isReservedName,
  isLine,
} from '../image/property-names.js';

/** What clients may make of the extra properties and tags of an image. */

/** Characters of a tag. */
export const MAX_TAG = 255;

/**
 * Refuses names that no client may write.
 * @throws {ForbiddenError} `PROPERTY_READ_ONLY` · `PROPERTY_RESERVED`
 */
export function assertWritableName(name: string): void {
  if (isReadOnlyName(name)) {
    throw new ForbiddenError({
      code: 'PROPERTY_READ_ONLY',
      message: `Attribute "${name}" is read-only`,
      hint: 'Leave it out: the server sets it',
    });
  }
  if (isReservedName(name)) {
    throw new ForbiddenError({
      code: 'PROPERTY_RESERVED',
      message: `Attribute "${name}" is reserved`,
      hint: `Choose a name that does not begin with "${RESERVED_PREFIX}"`,
    });
  }
}

/**
 * @param known what the deployer wants of some properties, by name
 * @throws {InvalidInputError} `PROPERTY_INVALID`
 */
export function assertProperty(
  name: string,
  value: string,
  known: Readonly<Record<string, PropertyConfig>>,
): void {
  if (!isPropertyName(name)) {
    throw invalid(
      `"${name.slice(0, 40)}" cannot be the name of a property`,
      `Use 1 to ${MAX_PROPERTY_NAME} characters`,
    );
  }
  if (!isPropertyValue(value)) {
    throw invalid(
      `The value of property "${name}" is no text of at most ${MAX_PROPERTY_VALUE} characters`,
      'Shorten it and remove control characters',
    );
  }
  const wanted = Object.hasOwn(known, name) ? known[name] : undefined;
  if (wanted !== undefined) assertWanted(name, value, wanted);
}

function assertWanted(name: string, value: string, wanted: PropertyConfig): void {
  const { enum: values, pattern, maxLength } = wanted;
  if (values?.includes(value) === false) {
    throw invalid(
      `Property "${name}" cannot be "${value.slice(0, 40)}"`,
      `One of: ${values.join(', ')}`,
    );
  }
  // First, so that the expression sees no longer text than the deployer expects.
  if (maxLength !== undefined && value.length > maxLength) {
    throw invalid(
      `The value of property "${name}" is too long`,
      `Use at most ${maxLength} characters`,
    );
  }
  if (pattern !== undefined && !new RegExp(pattern).test(value)) {
    throw invalid(
      `The value of property "${name}" does not match its pattern`,
      `The schema at "/v2/schemas/image" has it: ${pattern}`,
    );
  }
}

/** A rule of the deployer's keeps the property from the caller. */
export function propertyProtected(act: PropertyAct, name: string): ForbiddenError {
  return new ForbiddenError({
    code: 'PROPERTY_PROTECTED',
    message: `You may not ${act} the property "${name.slice(0, 40)}"`,
    hint: 'Leave it as it is, or ask the operator who may',
  });
}

/** @throws {InvalidInputError} `PROPERTY_INVALID` */
export function assertTag(tag: string): void {
  if (tag !== '' && tag.length <= MAX_TAG && isLine(tag)) return;
  throw invalid(`"${tag.slice(0, 40)}" cannot be a tag`, `Use 1 to ${MAX_TAG} characters`);
}

/**
 * Refuses growth beyond a limit; what is beyond it already may stay or shrink.
 * @throws {CapacityError} `PROPERTIES_EXCEEDED` · `TAGS_EXCEEDED`
 */
export function assertCount(
  kind: 'properties' | 'tags',
  counts: { readonly before: number; readonly after: number; readonly max: number },
): void {
  const { before, after, max } = counts;
  if (after <= max || after <= before) return;
  throw new CapacityError({
    code: kind === 'tags' ? 'TAGS_EXCEEDED' : 'PROPERTIES_EXCEEDED',
    message: `The image would have ${after} ${kind}; ${max} are allowed`,
    hint: `Remove ${kind} that are not needed, or raise "images.max_${kind}"`,
  });
}

function invalid(message: string, hint: string): InvalidInputError {
  return new InvalidInputError({ code: 'PROPERTY_INVALID', message, hint });
}
