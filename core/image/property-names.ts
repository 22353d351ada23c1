/** Names that an image's extra properties cannot have, and what their names and values may look like. */

/** Characters of a property's name. */
export const MAX_PROPERTY_NAME = 255;
/** Characters of a property's value. */
export const MAX_PROPERTY_VALUE = 65_535;

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

/** Names of attributes, which have a type and rules of their own. */
const ATTRIBUTE_NAMES: ReadonlySet<string> = new Set([
  'name',
  'visibility',
  'owner',
  'disk_format',
  'container_format',
  'min_disk',
  'min_ram',
  'protected',
  'os_hidden',
  'tags',
]);

/** Whether an image shows something that nobody sets under this name. */
export function isReadOnlyName(name: string): boolean {
  return READ_ONLY_NAMES.has(name);
}

/** Whether the API keeps this name for itself. */
export function isReservedName(name: string): boolean {
  return RESERVED_NAMES.has(name) || name.startsWith(RESERVED_PREFIX);
}

/** Whether an image shows something else than an extra property under this name, or may one day. */
export function isTakenName(name: string): boolean {
  return (
    isReadOnlyName(name) ||
    isReservedName(name) ||
    ATTRIBUTE_NAMES.has(name) ||
    name.startsWith('os_hash_')
  );
}

/** Whether an extra property can have this name at all. */
export function isPropertyName(name: string): boolean {
  return name !== '' && name.length <= MAX_PROPERTY_NAME && name !== '__proto__' && isLine(name);
}

/** Whether an extra property can have this value. */
export function isPropertyValue(value: string): boolean {
  return value.length <= MAX_PROPERTY_VALUE && isText(value);
}

/**
 * Text for people, of several lines: no control characters but tabs and line ends, no half of a
 * surrogate pair. It survives a round trip through UTF-8 and SQL.
 */
export function isText(value: string): boolean {
  return isLine(value.replaceAll(/[\t\n\r]/g, ''));
}

/** What can be a name: text of one line. */
export function isLine(value: string): boolean {
  return !/[\p{Cc}\p{Surrogate}\u2028\u2029]/u.test(value);
}
