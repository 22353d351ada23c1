import type { DataView, Image } from '../../core/api.js';

/** Properties with this prefix tell what an image was converted from. */
export const SOURCE_PROPERTY_PREFIX = 'stowage_source_';

/**
 * What the bytes were before a conversion. A second conversion in the same import keeps what the
 * first one has said: the bytes in between were nobody's.
 */
export function provenance(
  { generation, size, digests, inspection }: DataView,
  { properties }: Pick<Image, 'properties'>,
): Readonly<Record<string, string>> {
  if (generation > 0 && `${SOURCE_PROPERTY_PREFIX}disk_format` in properties) return {};
  return {
    [`${SOURCE_PROPERTY_PREFIX}disk_format`]: inspection.format,
    [`${SOURCE_PROPERTY_PREFIX}size`]: String(size),
    ...Object.fromEntries(
      Object.entries(digests).map(([algorithm, value]) => [
        `${SOURCE_PROPERTY_PREFIX}${algorithm}`,
        value,
      ]),
    ),
  };
}
