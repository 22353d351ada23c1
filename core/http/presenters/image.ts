import { z } from 'zod';
import {
  CONTAINER_FORMATS,
  DISK_FORMATS,
  IMAGE_STATUSES,
  VISIBILITIES,
} from '../../image/image.js';
import type { Image } from '../../image/image.js';
import { RESERVED_PREFIX } from '../../image/property-names.js';
import type { Location } from '../../store/location.js';
import { LOCATION, presentLocation } from './location.js';
import { presentTime } from './time.js';
import { BYTES, COUNT, PATH, TEXTS, TIME, UUID } from './wire-types.js';

const RECORD = z.strictObject({
  name: z.string().nullable(),
  disk_format: z.enum(DISK_FORMATS).nullable(),
  container_format: z.enum(CONTAINER_FORMATS).nullable(),
  visibility: z.enum(VISIBILITIES),
  size: BYTES.nullable(),
  virtual_size: BYTES.nullable(),
  status: z.enum(IMAGE_STATUSES),
  checksum: z.string().nullable(),
  protected: z.boolean(),
  min_ram: COUNT,
  min_disk: COUNT,
  owner: z.string().nullable(),
  os_hidden: z.boolean(),
  os_hash_algo: z.string().nullable(),
  os_hash_value: z.string().nullable(),
  id: UUID,
  created_at: TIME,
  updated_at: TIME,
  tags: TEXTS,
  self: PATH,
  file: PATH,
  schema: PATH,
});

/** Every other member is a property of the image. */
export const IMAGE = RECORD.extend({
  stores: z.string().exactOptional(),
  locations: z.array(LOCATION).exactOptional(),
  direct_url: z.string().exactOptional(),
}).catchall(z.string());

export const IMAGES = z.strictObject({
  images: z.array(IMAGE),
  first: PATH,
  next: PATH.exactOptional(),
  schema: PATH,
});

/** Also with what is not there for every image. */
export type PresentedImage = z.output<typeof RECORD>;

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
export function presentImage(image: Image, facts: ImageFacts, shows: Shows): PresentedImage {
  const path = `/v2/images/${image.id}`;
  const record: PresentedImage = {
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
    ([name]) => !name.startsWith(RESERVED_PREFIX) && !Object.hasOwn(record, name) && shows(name),
  );
  return {
    ...record,
    ...Object.fromEntries(own),
    ...facts.importProperties,
    ...(facts.stores === undefined || facts.stores.length === 0
      ? {}
      : { stores: facts.stores.join(',') }),
    ...(facts.locations === undefined ? {} : { locations: facts.locations.map(presentLocation) }),
    ...(facts.directUrl === undefined ? {} : { direct_url: facts.directUrl }),
  };
}
