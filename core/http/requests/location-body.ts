import { z } from 'zod';
import type { JsonObject } from '../../base/json.js';
import type { NewLocation } from '../../catalogue/locations.js';

/** Characters of JSON. */
const MAX_METADATA = 4_096;

/** The body of `POST /v2/images/{id}/locations` (API-66), and a location in a patch (API-65). */
export const NEW_LOCATION = z.strictObject({
  url: z.string().min(1).max(2_048),
  metadata: z
    .looseObject({ store: z.string().optional() })
    .refine((metadata) => JSON.stringify(metadata).length <= MAX_METADATA, 'is too long')
    .optional(),
  validation_data: z
    .strictObject({
      checksum: z.string().optional(),
      os_hash_algo: z.string(),
      os_hash_value: z.string(),
    })
    .optional(),
});

export function toNewLocation(body: z.output<typeof NEW_LOCATION>): NewLocation {
  const { url, validation_data: wanted } = body;
  const { store, ...metadata } = body.metadata ?? {};
  return {
    url,
    store,
    // It comes from a JSON text, so every value is JSON.
    metadata: metadata as JsonObject,
    digests: {
      ...(wanted?.checksum === undefined ? {} : { md5: wanted.checksum }),
      ...(wanted === undefined ? {} : { [wanted.os_hash_algo]: wanted.os_hash_value }),
    },
  };
}
