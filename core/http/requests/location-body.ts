import { z } from 'zod';

/** The body of `POST /v2/images/{id}/locations` (API-66). */
export const NEW_LOCATION = z.strictObject({
  url: z.string().min(1).max(2_048),
  metadata: z.looseObject({ store: z.string().optional() }).optional(),
  validation_data: z
    .strictObject({
      checksum: z.string().optional(),
      os_hash_algo: z.string(),
      os_hash_value: z.string(),
    })
    .optional(),
});
