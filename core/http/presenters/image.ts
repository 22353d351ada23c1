import type { JsonObject } from '../../base/json.js';
import type { Image } from '../../image/image.js';
import { RESERVED_PREFIX } from '../../image/property-names.js';
import type { Location } from '../../store/location.js';
import { presentLocation } from './location.js';
import { presentTime } from './time.js';

/** What an image shows beside its own record. */
export interface ImageFacts {
  /** Stores that hold the bytes; `undefined` where only one store is configured. */
  readonly stores: readonly string[] | undefined;
  /** Where the bytes are; `undefined` where that is not shown. */
  readonly locations: readonly Location[] | undefined;
  readonly directUrl: string | undefined;
  /** The reserved properties that tell clients of imports (IMP-09). */
  readonly importProperties: Readonly<Record<string, string>>;
}

/** Whether a property of this name is shown. */
export type Shows = (name: string) => boolean;

/** Of an image that was just made. */
export const NO_FACTS: ImageFacts = {
  stores: undefined,
  locations: undefined,
  directUrl: undefined,
  importProperties: {},
};

/** An image as the Image API shows it. */
export function presentImage(image: Image, facts: ImageFacts, shows: Shows): JsonObject {
  const path = `/v2/images/${image.id}`;
  const base = {
    name: image.name,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    visibility: image.visibility,
    size: image.size,
    virtual_size: image.virtualSize,
    status: image.status,
    checksum: image.checksum,
    protected: image.protected,
    min_ram: image.minRam,
    min_disk: image.minDisk,
    owner: image.owner,
    os_hidden: image.osHidden,
    os_hash_algo: image.osHashAlgo,
    os_hash_value: image.osHashValue,
    id: image.id,
    created_at: presentTime(image.createdAt),
    updated_at: presentTime(image.updatedAt),
    tags: image.tags,
    self: path,
    file: `${path}/file`,
    schema: '/v2/schemas/image',
  };
  // Whatever rows hold, no property stands in for what the server says itself.
  const own = Object.entries(image.properties).filter(
    ([name]) => !name.startsWith(RESERVED_PREFIX) && !Object.hasOwn(base, name) && shows(name),
  );
  return {
    ...base,
    ...Object.fromEntries(own),
    ...facts.importProperties,
    ...(facts.stores === undefined || facts.stores.length === 0
      ? {}
      : { stores: facts.stores.join(',') }),
    ...(facts.locations === undefined ? {} : { locations: facts.locations.map(presentLocation) }),
    ...(facts.directUrl === undefined ? {} : { direct_url: facts.directUrl }),
  };
}
