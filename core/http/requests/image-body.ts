import { z } from 'zod';
import { InvalidInputError } from '../../base/errors.js';
import { assertWritableName } from '../../catalogue/property-rules.js';
import type { NewImage } from '../../catalogue/catalogue.js';
import type { ImageAttributes } from '../../image/image.js';
import { isField, parseField } from '../presenters/image-fields.js';
import { parseBody } from './body.js';
import { UUID } from './ids.js';

const CREATE_BODY = z.record(z.string(), z.unknown());

/** Parts of AMI-style images: ids of other images, or null to say that there is none. */
const IMAGE_REFERENCES: ReadonlySet<string> = new Set(['kernel_id', 'ramdisk_id']);

/**
 * The body of `POST /v2/images`.
 * @throws {InvalidInputError} `BODY_INVALID` · `ATTRIBUTE_INVALID`
 * @throws {ForbiddenError} `PROPERTY_READ_ONLY` · `PROPERTY_RESERVED`
 */
export function parseNewImage(body: unknown): NewImage {
  const { id, ...fields } = parseBody(CREATE_BODY, body);
  let attributes: Partial<ImageAttributes> = {};
  const properties: [string, string][] = [];
  for (const [name, value] of Object.entries(fields)) {
    assertWritableName(name);
    if (isField(name)) attributes = { ...attributes, ...parseField(name, value) };
    else if (!isAbsent(name, value)) properties.push([name, parsePropertyValue(name, value)]);
  }
  return {
    ...(id === undefined ? {} : { id: parseImageId(id) }),
    attributes,
    properties: Object.fromEntries(properties),
  };
}

/** Whether a value means that the property is not there. */
export function isAbsent(name: string, value: unknown): boolean {
  return value === null && IMAGE_REFERENCES.has(name);
}

/** @throws {InvalidInputError} `ATTRIBUTE_INVALID` */
export function parsePropertyValue(name: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw new InvalidInputError({
      code: 'ATTRIBUTE_INVALID',
      message: `Property "${name}" must be a string`,
      hint: 'Write numbers and booleans as strings',
    });
  }
  if (IMAGE_REFERENCES.has(name) && !UUID.test(value)) {
    throw new InvalidInputError({
      code: 'ATTRIBUTE_INVALID',
      message: `Property "${name}" must be the id of an image`,
      hint: 'Leave it out where there is none',
    });
  }
  return value;
}

function parseImageId(id: unknown): string {
  if (typeof id === 'string' && UUID.test(id)) return id.toLowerCase();
  throw new InvalidInputError({
    code: 'ATTRIBUTE_INVALID',
    message: 'Attribute "id" must be a UUID',
    hint: 'Leave it out to get a random one',
  });
}
