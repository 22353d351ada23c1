import { z } from 'zod';
import { InvalidInputError } from '../../base/errors.js';
import type { NewImage } from '../../catalogue/catalogue.js';
import { parseBody } from './body.js';
import { parseNewImage } from './image-body.js';

const ANY_TASK = z.strictObject({
  type: z.string().min(1),
  input: z.record(z.string(), z.unknown()),
});

const IMPORT_INPUT = z.strictObject({
  import_from: z.string().min(1),
  import_from_format: z.string().min(1),
  image_properties: z.record(z.string(), z.unknown()),
});

/** The one type that clients may create. */
const CREATABLE = 'import';

/** The body of a request that succeeds; another type has an error of its own. */
export const TASK_BODY = ANY_TASK.extend({ type: z.literal(CREATABLE), input: IMPORT_INPUT });

/** A new image whose bytes are to be fetched. */
export interface TaskRequest {
  readonly image: NewImage;
  readonly uri: string;
}

/**
 * The body of `POST /v2/tasks` (API-70).
 * @throws {InvalidInputError} `BODY_INVALID` · `TASK_TYPE_UNKNOWN`; as {@link parseNewImage}
 */
export function parseTaskRequest(body: unknown): TaskRequest {
  const { type, input } = parseBody(ANY_TASK, body);
  if (type !== CREATABLE) {
    throw new InvalidInputError({
      code: 'TASK_TYPE_UNKNOWN',
      message: `Tasks of type "${type.slice(0, 40)}" cannot be created`,
      hint: `The type is "${CREATABLE}"; or start an import with "POST /v2/images/{id}/import"`,
    });
  }
  const parsed = parseBody(IMPORT_INPUT, input);
  return {
    uri: parsed.import_from,
    image: parseNewImage({
      disk_format: parsed.import_from_format,
      container_format: 'bare',
      ...parsed.image_properties,
    }),
  };
}
