import { Images, PermanentError, defineMethod, z } from '../../core/api.js';
import type { DataSource, MethodContext, MethodSource } from '../../core/api.js';

class ActiveImage implements MethodSource {
  constructor(private readonly images: Images) {}

  source({ image }: MethodContext): Promise<DataSource> {
    const { id, size, osHashAlgo, osHashValue } = image;
    if (size === null) {
      return Promise.reject(
        new PermanentError({
          code: 'IMAGE_SIZE_UNKNOWN',
          message: `Image "${id}" has no size, so its data cannot be copied`,
          hint: 'Images in a storage of their own cannot be copied by reading them',
        }),
      );
    }
    const { images } = this;
    const digest = osHashAlgo === null || osHashValue === null ? undefined : osHashValue;
    return Promise.resolve({
      kind: 'stream',
      size,
      validator: digest,
      resumable: true,
      open: (offset, signal) =>
        images.open(
          id,
          offset === 0 ? { signal } : { signal, range: { start: offset, end: size } },
        ),
      ...(osHashAlgo === null || digest === undefined
        ? {}
        : { expectedDigests: { [osHashAlgo]: digest } }),
    });
  }
}

/** Copies the data of an active image into further stores, proven by its own digest. */
export const copyImage = defineMethod({
  name: 'copy-image',
  description: 'Copy the data of an active image into further stores',
  params: z.strictObject({}),
  from: ['active'],
  data: 'existing',
  source: ActiveImage,
  inject: [Images],
});
