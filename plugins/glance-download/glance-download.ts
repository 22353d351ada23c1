import {
  GuardedFetch,
  Identity,
  InvalidInputError,
  PermanentError,
  defineMethod,
  pluginConfig,
  z,
} from '../../core/api.js';
import type { DataSource, JsonObject, MethodContext, MethodSource } from '../../core/api.js';
import { GlanceDownloadConfig } from './glance-download-config.js';
import { RemoteImages } from './remote-image.js';

const DIGESTS: readonly string[] = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'];

const Params = z.strictObject({
  glance_region: z.string().min(1),
  glance_image_id: z.guid(),
  glance_service_interface: z.enum(['public', 'internal', 'admin']).optional(),
});

/**
 * Reads an active image from another Image API endpoint that the config names. The server signs in there
 * as itself: a user's token would not outlive a long import, and a row must not hold it.
 */
export class GlanceDownload implements MethodSource {
  readonly #regions: ReadonlyMap<string, RemoteImages>;

  constructor(config: GlanceDownloadConfig, fetch: GuardedFetch, identity: Identity) {
    this.#regions = new Map(
      config.regions.map((region) => [
        region.name,
        new RemoteImages(region, config, fetch, identity),
      ]),
    );
  }

  check(params: JsonObject): Promise<void> {
    return new Promise((resolve) => {
      this.#region(Params.parse(params).glance_region);
      resolve();
    });
  }

  async source({ params, signal }: MethodContext): Promise<DataSource> {
    const { glance_region, glance_image_id: id } = Params.parse(params);
    const region = this.#region(glance_region);
    const image = await region.show(id, signal);
    if (image.status !== 'active') {
      throw new PermanentError({
        code: 'SOURCE_NOT_ACTIVE',
        message: `Image "${id}" of region "${glance_region}" is "${image.status}"`,
        hint: 'Import it when it is active',
      });
    }
    const { size, os_hash_algo: algorithm, os_hash_value: digest } = image;
    const known = algorithm != null && digest != null && DIGESTS.includes(algorithm);
    return {
      kind: 'stream',
      size: size ?? undefined,
      // The data of an active image never changes.
      validator: id,
      resumable: size !== null,
      open: (offset, open) => region.open(id, offset, open),
      ...(known ? { expectedDigests: { [algorithm]: digest } } : {}),
    };
  }

  #region(name: string): RemoteImages {
    const region = this.#regions.get(name);
    if (region !== undefined) return region;
    throw new InvalidInputError({
      code: 'REGION_UNKNOWN',
      message: `Unknown region "${name.slice(0, 64)}"`,
      hint: `The regions here are: ${[...this.#regions.keys()].join(', ') || 'none'}`,
    });
  }
}

export const glanceDownload = defineMethod({
  name: 'glance-download',
  description: 'Import an image from another Image API endpoint',
  params: Params,
  from: ['queued'],
  data: 'new',
  config: GlanceDownloadConfig,
  source: GlanceDownload,
  inject: [pluginConfig<GlanceDownloadConfig>(), GuardedFetch, Identity],
});
