import { z } from 'zod';
import { InvalidInputError } from '../../base/errors.js';
import { describeJsonIssues } from '../../base/json-issues.js';
import { CONTAINER_FORMATS, DISK_FORMATS, VISIBILITIES } from '../../image/image.js';
import type { ImageAttributes } from '../../image/image.js';
import { isLine } from '../../image/property-names.js';

const text = z.string().max(255).refine(isLine, 'must be one line without control characters');
const count = z.number().int().min(0).max(2_147_483_647);

/** The attributes that a client may set: their names on the wire, inside, and what they take. */
const FIELDS = {
  name: { key: 'name', schema: text.nullable() },
  visibility: { key: 'visibility', schema: z.enum(VISIBILITIES) },
  owner: { key: 'owner', schema: text.nullable() },
  disk_format: { key: 'diskFormat', schema: z.enum(DISK_FORMATS).nullable() },
  container_format: { key: 'containerFormat', schema: z.enum(CONTAINER_FORMATS).nullable() },
  min_disk: { key: 'minDisk', schema: count },
  min_ram: { key: 'minRam', schema: count },
  protected: { key: 'protected', schema: z.boolean() },
  os_hidden: { key: 'osHidden', schema: z.boolean() },
  tags: { key: 'tags', schema: z.array(text) },
} as const satisfies Record<string, { key: keyof ImageAttributes; schema: z.ZodType }>;

type FieldName = keyof typeof FIELDS;

/** What each attribute takes, by its name on the wire. */
export const FIELD_SCHEMAS = Object.fromEntries(
  Object.entries(FIELDS).map(([name, { schema }]) => [name, schema]),
) as { readonly [Name in FieldName]: (typeof FIELDS)[Name]['schema'] };

export function isField(name: string): name is FieldName {
  return Object.hasOwn(FIELDS, name);
}

/**
 * One attribute as the client has given it.
 * @throws {InvalidInputError} `ATTRIBUTE_INVALID`
 */
export function parseField(name: FieldName, value: unknown): Partial<ImageAttributes> {
  const { key, schema } = FIELDS[name];
  const result = schema.safeParse(value);
  if (result.success) return { [key]: result.data };
  const problems = describeJsonIssues(result.error, value);
  throw new InvalidInputError({
    code: 'ATTRIBUTE_INVALID',
    message: `Attribute "${name}" is not valid: ${problems.join('; ')}`,
    hint: 'The schema at "/v2/schemas/image" says what an image may have',
  });
}
