import { CapacityError, ForbiddenError, InvalidInputError } from '../base/errors.js';

/** Names and values that extra properties of an image may have. */

/** Characters of a property's name. */
export const MAX_PROPERTY_NAME = 255;
/** Characters of a property's value. */
export const MAX_PROPERTY_VALUE = 65_535;
/** Characters of a tag. */
export const MAX_TAG = 255;

/** Names beginning so are the server's own. */
export const RESERVED_PREFIX = 'os_glance';

/** Names that other releases or parts of the API give a meaning to. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'location',
  'locations',
  'deleted',
  'deleted_at',
]);

/** Names under which an image shows what nobody sets. */
const READ_ONLY_NAMES: ReadonlySet<string> = new Set([
  'id',
  'status',
  'size',
  'virtual_size',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'created_at',
  'updated_at',
  'direct_url',
  'self',
  'file',
  'schema',
  'stores',
]);

/**
 * Refuses names that no client may write.
 * @throws {ForbiddenError} `PROPERTY_READ_ONLY` · `PROPERTY_RESERVED`
 */
export function assertWritableName(name: string): void {
  if (READ_ONLY_NAMES.has(name)) {
    throw new ForbiddenError({
      code: 'PROPERTY_READ_ONLY',
      message: `Attribute "${name}" is read-only`,
      hint: 'Leave it out: the server sets it',
    });
  }
  if (RESERVED_NAMES.has(name) || name.startsWith(RESERVED_PREFIX)) {
    throw new ForbiddenError({
      code: 'PROPERTY_RESERVED',
      message: `Attribute "${name}" is reserved`,
      hint: `Choose a name that does not begin with "${RESERVED_PREFIX}"`,
    });
  }
}

/** @throws {InvalidInputError} `PROPERTY_INVALID` */
export function assertProperty(name: string, value: string): void {
  if (name === '' || name.length > MAX_PROPERTY_NAME || name === '__proto__' || !isText(name)) {
    throw invalid(
      `"${name.slice(0, 40)}" cannot be the name of a property`,
      `Use 1 to ${MAX_PROPERTY_NAME} characters`,
    );
  }
  if (value.length > MAX_PROPERTY_VALUE || !isText(value)) {
    throw invalid(
      `The value of property "${name}" is no text of at most ${MAX_PROPERTY_VALUE} characters`,
      'Shorten it and remove NUL characters',
    );
  }
}

/** @throws {InvalidInputError} `PROPERTY_INVALID` */
export function assertTag(tag: string): void {
  if (tag !== '' && tag.length <= MAX_TAG && isText(tag)) return;
  throw invalid(`"${tag.slice(0, 40)}" cannot be a tag`, `Use 1 to ${MAX_TAG} characters`);
}

/** What survives a round trip through UTF-8 and SQL: no NUL, no half of a surrogate pair. */
export function isText(value: string): boolean {
  return !value.includes('\0') && !/\p{Surrogate}/u.test(value);
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
