import type { DataView } from '../../core/api.js';

/** Properties with this prefix tell what an image was packed in. */
export const PACKED_PROPERTY_PREFIX = 'stowage_packed_';

/** What the client sent, so that it can still be told by its digests. `layers`: outermost first. */
export function packedAs(
  { size, digests }: DataView,
  layers: readonly string[],
): Readonly<Record<string, string>> {
  const facts = { format: layers.join('>'), size: String(size), ...digests };
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [`${PACKED_PROPERTY_PREFIX}${name}`, value]),
  );
}
