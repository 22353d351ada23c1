import type { JsonObject } from '../../base/json.js';
import type { Location } from '../../store/location.js';

/** Where one store holds an image. */
export function presentLocation({ store, url, metadata }: Location): JsonObject {
  return { url: url ?? '', metadata: { ...metadata, store } };
}
