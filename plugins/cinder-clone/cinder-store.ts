import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { NotFoundError, UnsupportedError } from '../../core/api.js';
import type {
  CloneOrigin,
  CloningStore,
  Clock,
  Identity,
  Image,
  Images,
  JsonObject,
  MadeVolume,
  PluginSite,
  PluginState,
  Programs,
  StoredObject,
  VolumeStore,
  VolumeWish,
} from '../../core/api.js';
import { CinderApi, refusedWith } from './cinder/cinder-api.js';
import { signIn } from './cinder/sign-in.js';
import { Volumes } from './cinder/volumes.js';
import type { Volume, VolumeRequest } from './cinder/volumes.js';
import type { CinderConfig } from './cinder-config.js';
import { urlOf, volumeOf } from './cinder-location.js';
import { CloneOrigins } from './clone-origin.js';
import { ConnectedBytes } from './connection/connected-bytes.js';
import {
  MAKER_KEY,
  OBJECT_KEY,
  gibs,
  imageIdOf,
  imageMetadata,
  imageSize,
  isImageVolume,
  sizeMetadata,
  volumeName,
} from './image-volume.js';
import { VolumeBytes } from './volume-bytes.js';
import { VolumesOfImages } from './volume-of-image.js';

/** Milliseconds after which no request of an earlier life makes a volume, or is at work on one. */
const SETTLED_MS = 24 * 60 * 60 * 1000;

/** Keeps each object as a volume of the store's own project, from which Cinder clones for the image's users. */
export class CinderStore implements CloningStore, VolumeStore {
  readonly #volumes: Volumes;
  readonly #bytes: VolumeBytes;
  readonly #origins: CloneOrigins;
  readonly #ofImages: VolumesOfImages;

  constructor(
    private readonly config: CinderConfig,
    private readonly site: Pick<PluginSite, 'id'>,
    identity: Identity,
    images: Images,
    programs: Programs,
    private readonly state: PluginState,
    private readonly clock: Clock,
  ) {
    const api = new CinderApi(site.id, signIn(config, identity));
    this.#volumes = new Volumes(api, clock, config.timeout);
    const connected = new ConnectedBytes(config, programs);
    this.#bytes = new VolumeBytes(api, this.#volumes, connected, `stowage-${site.id}`);
    this.#origins = new CloneOrigins(site.id, config.volume_type, this.#volumes, images);
    this.#ofImages = new VolumesOfImages(this.#volumes, this.#bytes, (url) =>
      volumeOf(site.id, url),
    );
  }

  /** Asks what only an administrator is told, so that a wrong account shows at the start. */
  async start(): Promise<void> {
    await this.#volumes.find('stowage-start', OBJECT_KEY, '', never());
  }

  /**
   * A request to Cinder may be carried out after everybody has stopped to wait for it. Only what was
   * never finished is removed: an older copy of the database does not know what came later.
   */
  async sweep(isKnown: (name: string) => Promise<boolean>): Promise<void> {
    const maker = await this.#maker();
    const newest = this.clock.now().getTime() - SETTLED_MS;
    for await (const { id, metadata, created_at } of this.#volumes.own(never())) {
      const { [OBJECT_KEY]: name, [MAKER_KEY]: by, readonly } = metadata;
      if (name === undefined || by !== maker || readonly === 'True') continue;
      if (!(Date.parse(`${created_at}Z`) < newest) || (await isKnown(name))) continue;
      await this.#volumes.remove(id, never());
    }
  }

  async write(
    name: string,
    source: Readable,
    { size, signal }: { readonly size: number | undefined; readonly signal: AbortSignal },
  ): Promise<StoredObject> {
    signal.throwIfAborted();
    const first = size ?? 0;
    const { volume_type } = this.config;
    const made = await this.#create(
      name,
      { size: gibs(first), ...(volume_type === undefined ? {} : { volume_type }) },
      { owner: null, size: first },
      signal,
    );
    const taken = await this.#bytes.write(made, source, size, signal);
    if (size === undefined) await this.#volumes.describe(made.id, sizeMetadata(taken), signal);
    await this.#seal(made.id, signal);
    return { url: urlOf(this.site.id, made.id) };
  }

  async open(
    url: string,
    { signal = never() }: { readonly signal?: AbortSignal },
  ): Promise<Readable> {
    return this.#bytes.open(await this.#show(url, signal), signal);
  }

  async stat(url: string): Promise<{ readonly size: number }> {
    return { size: imageSize(await this.#show(url, never())) };
  }

  async delete(url: string): Promise<void> {
    const id = volumeOf(this.site.id, url);
    const volume = await this.#volumes.show(id, never()).catch((error: unknown) => {
      if (!refusedWith(error, 404)) throw error;
      return undefined;
    });
    // A volume that somebody uses as such was registered here, and stays theirs.
    if (volume === undefined || !isImageVolume(volume)) return;
    await this.#volumes.remove(id, never());
  }

  async discard(name: string): Promise<void> {
    const found = await this.#volumes.find(volumeName(imageIdOf(name)), OBJECT_KEY, name, never());
    for (const { id } of found) await this.#volumes.remove(id, never());
  }

  examine(
    origin: JsonObject,
    options: { readonly image: Image; readonly signal: AbortSignal },
  ): Promise<CloneOrigin> {
    return this.#origins.judge(origin, options);
  }

  async clone(
    name: string,
    origin: JsonObject,
    { image, signal }: { readonly image: Image; readonly signal: AbortSignal },
  ): Promise<StoredObject> {
    const { request, size, obstacles } = await this.#origins.judge(origin, { image, signal });
    if (obstacles[0] !== undefined) {
      throw new UnsupportedError({ code: 'NOT_CLONED', message: obstacles[0] });
    }
    const made = await this.#create(name, request, { owner: image.owner, size }, signal);
    await this.#seal(made.id, signal);
    return { url: urlOf(this.site.id, made.id) };
  }

  makeVolume(name: string, wish: VolumeWish): Promise<MadeVolume> {
    return this.#ofImages.make(name, wish);
  }

  discardVolume(name: string): Promise<void> {
    return this.#ofImages.discard(name);
  }

  isTaken(volumeId: string): Promise<boolean> {
    return this.#ofImages.isTaken(volumeId);
  }

  properties(): JsonObject {
    const { endpoint = null, region = null, volume_type = null } = this.config;
    return { endpoint, region, volume_type };
  }

  async #create(
    name: string,
    request: Omit<VolumeRequest, 'name' | 'metadata'>,
    image: { readonly owner: string | null; readonly size: number },
    signal: AbortSignal,
  ): Promise<Volume> {
    const id = imageIdOf(name);
    const made = await this.#volumes.create(
      {
        ...request,
        name: volumeName(id),
        metadata: {
          ...imageMetadata(name, { ...image, id }),
          [MAKER_KEY]: await this.#maker(),
        },
      },
      OBJECT_KEY,
      signal,
    );
    return this.#volumes.available(made.id, signal);
  }

  /** The same over all lives of this store, and no other's, of this server or another. */
  async #maker(): Promise<string> {
    const key = `maker.${this.site.id}`;
    const known = await this.state.get(key);
    if (typeof known === 'string') return known;
    const id = randomUUID();
    await this.state.set(key, id);
    return id;
  }

  /** Nothing writes to an image any more. */
  #seal(id: string, signal: AbortSignal): Promise<void> {
    return this.#volumes.act(id, { 'os-update_readonly_flag': { readonly: true } }, signal);
  }

  /** @throws {NotFoundError} `OBJECT_NOT_FOUND` */
  async #show(url: string, signal: AbortSignal): Promise<Volume> {
    const id = volumeOf(this.site.id, url);
    try {
      return await this.#volumes.show(id, signal);
    } catch (error) {
      if (!refusedWith(error, 404)) throw error;
      throw new NotFoundError({
        code: 'OBJECT_NOT_FOUND',
        message: `Store "${this.site.id}" has no volume ${id}`,
        cause: error,
      });
    }
  }
}

function never(): AbortSignal {
  return new AbortController().signal;
}
