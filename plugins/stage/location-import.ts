import { InvalidInputError, Stores, defineMethod, z } from '../../core/api.js';
import type { DataSource, JsonObject, MethodContext, MethodSource } from '../../core/api.js';

/** Hex digits of the digests that a caller may say the bytes have. */
const DIGESTS = { md5: 32, sha1: 40, sha224: 56, sha256: 64, sha384: 96, sha512: 128 } as const;

const Params = z.strictObject({
  url: z.string().min(1).max(2_048),
  store: z.string().min(1),
  digests: z
    .partialRecord(
      z.enum(Object.keys(DIGESTS) as [keyof typeof DIGESTS]),
      z
        .string()
        .toLowerCase()
        .regex(/^[0-9a-f]+$/),
    )
    .default({}),
  metadata: z.record(z.string(), z.json()).default({}),
});

class RegisteredLocation implements MethodSource {
  constructor(private readonly stores: Stores) {}

  check(params: JsonObject): Promise<void> {
    return new Promise((resolve) => {
      const { url, store, digests } = Params.parse(params);
      const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? '';
      if (!this.stores.info(store).schemes.includes(scheme)) {
        throw new InvalidInputError({
          code: 'LOCATION_SCHEME',
          message: `Store "${store}" holds nothing under a URL that begins with "${scheme}:"`,
          hint: 'Name the store that holds the image',
        });
      }
      for (const [algorithm, value] of Object.entries(digests)) {
        if (value.length === DIGESTS[algorithm as keyof typeof DIGESTS]) continue;
        throw new InvalidInputError({
          code: 'CHECKSUM_INVALID',
          message: `"${value}" is no digest of "${algorithm}"`,
          hint: 'Write it in hexadecimal digits',
        });
      }
      resolve();
    });
  }

  async source({ params, image }: MethodContext): Promise<DataSource> {
    const { url, store, digests, metadata } = Params.parse(params);
    const isRaw = image.diskFormat === 'raw' && image.containerFormat === 'bare';
    const isProven = Object.keys(digests).length > 0;
    if (!this.stores.info(store).registersUnread || !isRaw || isProven) {
      return { kind: 'registered', store, url, metadata, expectedDigests: digests };
    }
    const { size } = await this.stores.stat(store, url);
    return { kind: 'location', store, url, metadata, size, virtualSize: size };
  }
}

/** Takes what a store holds already for the bytes of the image: they are judged, and stay there. */
export const locationImport = defineMethod({
  name: 'location-import',
  description: 'Register data that a store holds already',
  params: Params,
  from: ['queued'],
  data: 'new',
  inPlace: true,
  requestable: false,
  source: RegisteredLocation,
  inject: [Stores],
});
