import { InvalidInputError } from '../../core/api.js';
import type { Volume } from './cinder/volumes.js';

export const GIB = 1024 ** 3;

/** Whole GiB that hold so many bytes; no volume is smaller than one. */
export function gibs(size: number): number {
  return Math.max(1, Math.ceil(size / GIB));
}

/** Names the object that a volume is; no other volume has the same. */
export const OBJECT_KEY = 'stowage_object';
const SIZE_KEY = 'image_size';
/** Names the store of the server that has made it: others may use the same project. */
export const MAKER_KEY = 'stowage_maker';

/** What Cinder, and whoever reads images from volumes, finds at an image volume. */
export function imageMetadata(
  object: string,
  {
    id,
    owner,
    size,
  }: { readonly id: string; readonly owner: string | null; readonly size: number },
): Record<string, string> {
  return {
    [OBJECT_KEY]: object,
    glance_image_id: id,
    // Cinder clones from it for this project too: cinder-volume's create_volume flow.
    ...(owner === null ? {} : { image_owner: owner }),
    [SIZE_KEY]: String(size),
  };
}

export function sizeMetadata(size: number): Record<string, string> {
  return { [SIZE_KEY]: String(size) };
}

export function volumeName(imageId: string): string {
  return `image-${imageId}`;
}

const SEGMENT = /^(?!\.)[A-Za-z0-9._-]{1,200}$/;

/**
 * The image of an object: the first segment of its name.
 * @throws {InvalidInputError} `OBJECT_NAME_INVALID`
 */
export function imageIdOf(object: string): string {
  const segments = object.split('/');
  const [image] = segments;
  if (image !== undefined && segments.every((segment) => SEGMENT.test(segment))) return image;
  throw new InvalidInputError({
    code: 'OBJECT_NAME_INVALID',
    message: `"${object}" cannot be the name of an object`,
    hint: 'Names are segments of letters, digits, ".", "_" and "-", joined by "/"',
  });
}

/** Whether a volume is there for an image alone, and may go with it. */
export function isImageVolume({ metadata }: Volume): boolean {
  return ['glance_image_id', 'image_owner', OBJECT_KEY].some((key) => key in metadata);
}

/** Bytes of the image in a volume. */
export function imageSize({ size, metadata }: Volume): number {
  const told = Number(metadata[SIZE_KEY] ?? Number.NaN);
  return Number.isSafeInteger(told) && told >= 0 && told <= size * GIB ? told : size * GIB;
}
