import type { Failure } from '../base/errors.js';
import type { MadeVolume } from '../plugin/contract/store.js';

/** `pending` → `succeeded` or `failed`. */
export type ImageVolumeState = 'pending' | 'succeeded' | 'failed';

/** A volume that somebody wants of an image. */
export interface ImageVolume {
  readonly id: string;
  readonly imageId: string;
  /** Who wants it, and whose it is to be. */
  readonly projectId: string;
  readonly userId: string | null;
  /** Store whose storage it is made in. */
  readonly store: string;
  readonly wish: ImageVolumeWish;
  readonly state: ImageVolumeState;
  /** `null` unless it has succeeded. */
  readonly made: MadeVolume | null;
  /** Of the last attempt. */
  readonly failure: Failure | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

export type ImageVolumeWish = {
  readonly name: string;
  /** GiB; `null` for as many as the disk needs. */
  readonly size: number | null;
  readonly volumeType: string | null;
  readonly availabilityZone: string | null;
};
