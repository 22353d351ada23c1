import { z } from 'zod';
import type { Location } from '../../store/location.js';

export const LOCATION = z.strictObject({
  url: z.string(),
  metadata: z.looseObject({ store: z.string().nullable() }),
});

/** Where one store holds an image. */
export function presentLocation({ store, url, metadata }: Location): z.output<typeof LOCATION> {
  return { url: url ?? '', metadata: { ...metadata, store } };
}
