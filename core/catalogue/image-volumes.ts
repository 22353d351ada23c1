import type { Caller } from '../auth/caller.js';
import type { Policy } from '../auth/policy.js';
import { ForbiddenError, NotFoundError } from '../base/errors.js';
import type { ImageVolume, ImageVolumeWish } from '../engine/image-volume.js';
import type { Reader } from '../engine/ports.js';
import type { ImageVolumes } from '../engine/service.js';
import { authorizedImage } from './access.js';

/** Volumes of an image that one list shows. */
const MAX_LISTED = 200;

/** Volumes of images, for those who may have the bytes; each project sees its own. */
export interface VolumeCatalogue {
  /**
   * @throws {NotFoundError} `IMAGE_NOT_FOUND`; {ForbiddenError} `POLICY_DENIED` · `NO_PROJECT`; and as
   *   {@link ImageVolumes.request}
   */
  request(
    caller: Caller,
    imageId: string,
    options: { readonly store: string | undefined; readonly wish: ImageVolumeWish },
  ): Promise<ImageVolume>;
  /** The newest first. @throws {NotFoundError} `IMAGE_NOT_FOUND`; {ForbiddenError} `POLICY_DENIED` */
  list(caller: Caller, imageId: string): Promise<readonly ImageVolume[]>;
  /** @throws as {@link list}; {NotFoundError} `VOLUME_NOT_FOUND` */
  show(caller: Caller, imageId: string, id: string): Promise<ImageVolume>;
}

export function createVolumeCatalogue({
  policy,
  read,
  volumes,
}: {
  readonly policy: Policy;
  readonly read: Reader;
  readonly volumes: ImageVolumes;
}): VolumeCatalogue {
  const rule = 'create_image_volume';
  return {
    async request(caller, imageId, { store, wish }) {
      const image = await authorizedImage(policy, read, { caller, rule, id: imageId });
      const { projectId, userId } = caller;
      if (projectId === null) throw noProject();
      const name = wish.name === '' ? (image.name ?? `image-${imageId}`) : wish.name;
      return volumes.request({ imageId, projectId, userId, store, wish: { ...wish, name } });
    },

    async list(caller, imageId) {
      await authorizedImage(policy, read, { caller, rule, id: imageId });
      const { projectId } = caller;
      if (projectId === null) return [];
      return read.imageVolumes({ imageId, projectId, limit: MAX_LISTED });
    },

    async show(caller, imageId, id) {
      await authorizedImage(policy, read, { caller, rule, id: imageId });
      const { projectId } = caller;
      const [volume] =
        projectId === null ? [] : await read.imageVolumes({ id, imageId, projectId });
      if (volume !== undefined) return volume;
      throw new NotFoundError({
        code: 'VOLUME_NOT_FOUND',
        message: `No volume ${id} of image ${imageId}`,
        hint: 'List the volumes of the image',
      });
    },
  };
}

function noProject(): ForbiddenError {
  return new ForbiddenError({
    code: 'NO_PROJECT',
    message: 'A volume belongs to a project, and the caller speaks for none',
    hint: 'Sign in for a project',
  });
}
