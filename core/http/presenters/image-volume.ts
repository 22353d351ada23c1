import { z } from 'zod';
import type { ImageVolume } from '../../engine/image-volume.js';
import { presentTime } from './time.js';

export const IMAGE_VOLUME = z.strictObject({
  id: z.string().describe('Of this request'),
  image_id: z.string(),
  status: z.enum(['pending', 'succeeded', 'failed']),
  volume_id: z.string().nullable().describe('The volume in the block storage service'),
  size: z.int().nullable().describe('GiB'),
  name: z.string(),
  volume_type: z.string().nullable(),
  availability_zone: z.string().nullable(),
  store: z.string(),
  cloned: z.boolean().nullable().describe('Whether no byte was copied'),
  not_cloned: z.array(z.string()).describe('Why its bytes were copied'),
  transfer: z
    .strictObject({ id: z.string(), auth_key: z.string() })
    .nullable()
    .describe('With which the project accepts the volume'),
  failure: z.looseObject({}).nullable(),
  created_at: z.string(),
  finished_at: z.string().nullable(),
});

export const IMAGE_VOLUMES = z.strictObject({ volumes: z.array(IMAGE_VOLUME) });

/** A volume that somebody wants of an image. */
export function presentImageVolume(volume: ImageVolume): z.output<typeof IMAGE_VOLUME> {
  const { id, imageId, state, wish, store, made, failure, createdAt, finishedAt } = volume;
  const { transfer } = made ?? {};
  return {
    id,
    image_id: imageId,
    status: state,
    volume_id: made?.id ?? null,
    size: made?.size ?? wish.size,
    name: wish.name,
    volume_type: wish.volumeType,
    availability_zone: wish.availabilityZone,
    store,
    cloned: made === null ? null : made.obstacles.length === 0,
    not_cloned: [...(made?.obstacles ?? [])],
    transfer: transfer === undefined ? null : { id: transfer.id, auth_key: transfer.key },
    failure: failure === null ? null : { ...failure },
    created_at: presentTime(createdAt),
    finished_at: finishedAt === null ? null : presentTime(finishedAt),
  };
}
