import { Readable } from 'node:stream';
import { NotFoundError, UnsupportedError } from '../../core/api.js';
import type {
  CloneOrigin,
  CloningStore,
  Clock,
  Identity,
  Image,
  Images,
  JsonObject,
  PluginSite,
  Programs,
  StoredObject,
} from '../../core/api.js';
import { CinderApi, refusedWith } from './cinder/cinder-api.js';
import { signIn } from './cinder/sign-in.js';
import { Volumes } from './cinder/volumes.js';
import type { Volume, VolumeRequest } from './cinder/volumes.js';
import type { CinderConfig } from './cinder-config.js';
import { urlOf, volumeOf } from './cinder-location.js';
import { CloneOrigins } from './clone-origin.js';
import { attach } from './connection/connection.js';
import type { Attached, RbdConnection } from './connection/connection.js';
import { RbdBytes } from './connection/rbd-bytes.js';
import { Segments } from './connection/segments.js';
import {
  GIB,
  OBJECT_KEY,
  imageIdOf,
  imageMetadata,
  imageSize,
  isImageVolume,
  sizeMetadata,
  volumeName,
} from './image-volume.js';

/** Keeps each object as a volume of the store's own project, from which Cinder clones for the image's users. */
export class CinderStore implements CloningStore {
  readonly #api: CinderApi;
  readonly #volumes: Volumes;
  readonly #bytes: RbdBytes;
  readonly #origins: CloneOrigins;
  /** How Cinder's own list of attachments names this server. */
  readonly #host: string;
  /** One connection at a time for each volume: Cinder grants no second one. */
  readonly #connecting = new Map<string, Promise<unknown>>();

  constructor(
    private readonly config: CinderConfig,
    private readonly site: Pick<PluginSite, 'id'>,
    identity: Identity,
    images: Images,
    programs: Programs,
    clock: Clock,
  ) {
    this.#api = new CinderApi(site.id, signIn(config, identity));
    this.#volumes = new Volumes(this.#api, clock, config.timeout);
    this.#bytes = new RbdBytes(config.ceph, programs);
    this.#origins = new CloneOrigins(site.id, config.volume_type, this.#volumes, images);
    this.#host = `stowage-${site.id}`;
  }

  /** Asks what only an administrator is told, so that a wrong account shows at the start. */
  async start(): Promise<void> {
    await this.#volumes.find('stowage-start', OBJECT_KEY, '', never());
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
    const segments = new Segments(source, size, name, signal);
    let capacity = gibs(first) * GIB;
    try {
      for await (const { bytes, offset } of segments.of(() => capacity)) {
        if (offset >= capacity) {
          capacity += GIB;
          await this.#volumes.act(made.id, { 'os-extend': { new_size: capacity / GIB } }, signal);
          await this.#volumes.available(made.id, signal);
        }
        await this.#writeInto(made.id, bytes, offset, signal);
      }
    } finally {
      source.destroy();
    }
    if (size === undefined) {
      await this.#volumes.describe(made.id, sizeMetadata(segments.taken), signal);
    }
    await this.#seal(made.id, signal);
    return { url: urlOf(this.site.id, made.id) };
  }

  async open(
    url: string,
    { signal = never() }: { readonly signal?: AbortSignal },
  ): Promise<Readable> {
    const volume = await this.#show(url, signal);
    const size = imageSize(volume);
    if (!isImageVolume(volume)) return this.#openHeld(volume, size, signal);
    // What is in an image volume does not change: many may read it, while Cinder connects one of them.
    const connection = await this.#alone(volume.id, async () => {
      const { id, connection: found } = await this.#attach(volume.id, 'ro', signal);
      await this.#volumes.detach(id, never());
      return found;
    });
    return this.#bytes.read(connection, size, signal);
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
      { ...request, name: volumeName(id), metadata: imageMetadata(name, { ...image, id }) },
      OBJECT_KEY,
      signal,
    );
    return this.#volumes.available(made.id, signal);
  }

  /** Nothing writes to an image any more. */
  #seal(id: string, signal: AbortSignal): Promise<void> {
    return this.#volumes.act(id, { 'os-update_readonly_flag': { readonly: true } }, signal);
  }

  async #writeInto(
    id: string,
    bytes: AsyncIterable<Uint8Array>,
    offset: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { id: attachment, connection } = await this.#attach(id, 'rw', signal);
    try {
      await this.#bytes.write(connection, bytes, offset);
    } finally {
      await this.#volumes.detach(attachment, never());
    }
    await this.#volumes.available(id, signal);
  }

  /** Somebody's volume is connected as long as it is read, so that nobody writes to it meanwhile. */
  async #openHeld(volume: Volume, size: number, signal: AbortSignal): Promise<Readable> {
    const { id, connection } = await this.#attach(volume.id, 'ro', signal);
    const stream = this.#bytes.read(connection, size, signal);
    stream.once('close', () => {
      // What is left is ended before the next reading of the volume.
      this.#volumes.detach(id, never()).catch(() => undefined);
    });
    return stream;
  }

  /** A connection that an earlier life of this server has left is ended before. */
  async #attach(volume: string, mode: 'ro' | 'rw', signal: AbortSignal): Promise<Attached> {
    const { attachments } = await this.#volumes.show(volume, signal);
    for (const { attachment_id, host_name } of attachments) {
      if (host_name === this.#host && attachment_id !== undefined) {
        await this.#volumes.detach(attachment_id, signal);
      }
    }
    return attach(this.#api, volume, { host: this.#host, mode, signal });
  }

  async #alone(volume: string, work: () => Promise<RbdConnection>): Promise<RbdConnection> {
    const before = this.#connecting.get(volume);
    const turn = (before ?? Promise.resolve()).catch(() => undefined).then(work);
    this.#connecting.set(volume, turn);
    try {
      return await turn;
    } finally {
      if (this.#connecting.get(volume) === turn) this.#connecting.delete(volume);
    }
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

/** Whole GiB that hold so many bytes; no volume is smaller than one. */
function gibs(size: number): number {
  return Math.max(1, Math.ceil(size / GIB));
}

function never(): AbortSignal {
  return new AbortController().signal;
}
