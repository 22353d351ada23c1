import { z } from 'zod';
import type { ImageVolumeWish } from '../../engine/image-volume.js';

/** GiB; more than any storage has. */
const MAX_SIZE = 1_048_576;

const text = z.string().min(1).max(255);

/** The body of `POST /v2/images/{id}/volumes`. */
export const NEW_VOLUME = z.strictObject({
  size: z.int().min(1).max(MAX_SIZE).optional(),
  volume_type: text.optional(),
  name: z.string().max(255).optional(),
  availability_zone: text.optional(),
  store: text.optional(),
});

export function toWish(body: z.output<typeof NEW_VOLUME>): ImageVolumeWish {
  const { name = '', size = null, volume_type = null, availability_zone = null } = body;
  return { name, size, volumeType: volume_type, availabilityZone: availability_zone };
}
