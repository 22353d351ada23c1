import {
  ConflictError,
  InvalidInputError,
  NotFoundError,
  UnsupportedError,
  z,
} from '../../core/api.js';
import type { CloneOrigin, Image, Images, JsonObject } from '../../core/api.js';
import { refusedWith } from './cinder/cinder-api.js';
import type { Snapshot, Volume, VolumeRequest, Volumes } from './cinder/volumes.js';
import { BlockDeviceMapping, mappingProperties, rootOf } from './block-device-mapping.js';
import type { BlockDevice } from './block-device-mapping.js';
import { urlOf } from './cinder-location.js';
import { GIB, imageSize } from './image-volume.js';

/** States from which Cinder clones. */
const CLONED_FROM = ['available', 'in-use'];

const Origin = z.union([
  z.strictObject({ volume_id: z.guid() }),
  z.strictObject({ snapshot_id: z.guid() }),
  z.strictObject({ mapping: BlockDeviceMapping }),
  // Of the image itself, in a store like this one.
  z.strictObject({ image_volume: z.guid() }),
]);
type VolumeOrigin = { readonly volume_id: string };
type SnapshotOrigin = { readonly snapshot_id: string };

/** A volume or a snapshot that was found fit to become an image. */
export interface Judged extends CloneOrigin {
  readonly request: Pick<VolumeRequest, 'source_volid' | 'snapshot_id'>;
}

/** For whom, and with what, an origin is judged. */
export interface Judging {
  readonly image: Image;
  readonly signal: AbortSignal;
}

/** Judges what is to become an image. */
export class CloneOrigins {
  /** @param type of the volumes that the store keeps, where it keeps one type alone */
  constructor(
    private readonly store: string,
    private readonly type: string | undefined,
    private readonly volumes: Volumes,
    private readonly images: Images,
  ) {}

  /**
   * @throws {NotFoundError} `VOLUME_NOT_FOUND` · `IMAGE_NOT_FOUND`, also for what another project owns;
   *   {InvalidInputError} `FORMAT_UNFIT` · `ROOT_UNFIT`; {ConflictError} `VOLUME_STATE`;
   *   {UnsupportedError} `VOLUME_ENCRYPTED` · `SNAPSHOT_NOT_CLONED`
   */
  async judge(origin: JsonObject, judging: Judging): Promise<Judged> {
    const asked = Origin.parse(origin);
    if ('image_volume' in asked) return this.#own(asked.image_volume, judging);
    assertRaw(judging.image);
    if (!('mapping' in asked)) return this.#device(asked, judging);
    const { mapping } = asked;
    const { device, sourced } = rootOf(mapping);
    const root = await this.#device(sourced, judging);
    for (const entry of mapping) {
      if (entry !== device) await this.#assertUsable(entry, judging);
    }
    const minDisk = Math.max(judging.image.minDisk, root.size / GIB);
    return { ...root, draft: { minDisk, properties: mappingProperties(mapping, device) } };
  }

  #device(asked: VolumeOrigin | SnapshotOrigin, judging: Judging): Promise<Judged> {
    return 'volume_id' in asked
      ? this.#volume(asked.volume_id, judging)
      : this.#snapshot(asked.snapshot_id, judging);
  }

  async #volume(id: string, { image, signal }: Judging): Promise<Judged> {
    const volume = await found(id, image, 'os-vol-tenant-attr:tenant_id', () =>
      this.volumes.show(id, signal),
    );
    assertUsable(volume);
    return {
      url: urlOf(this.store, id),
      size: volume.size * GIB,
      obstacles: this.#obstacles(volume),
      request: { source_volid: id },
    };
  }

  /** What holds the image elsewhere; whoever owns it. */
  async #own(id: string, { image, signal }: Judging): Promise<Judged> {
    const volume = await this.volumes.show(id, signal);
    const isTheirs = volume.metadata['glance_image_id'] === image.id;
    const obstacles = [
      ...(isTheirs ? [] : ['The volume of the image does not say that it is its']),
      ...(volume.encrypted ? ['The volume of the image is encrypted'] : []),
      ...(CLONED_FROM.includes(volume.status)
        ? []
        : [`The volume of the image is "${volume.status}"`]),
      ...this.#obstacles(volume),
    ];
    const url = urlOf(this.store, id);
    return { url, size: imageSize(volume), obstacles, request: { source_volid: id } };
  }

  async #snapshot(id: string, judging: Judging): Promise<Judged> {
    const snapshot = await this.#usableSnapshot(id, judging);
    const volume = await this.volumes.show(snapshot.volume_id, judging.signal);
    assertEncryption(volume);
    const [obstacle] = this.#obstacles(volume);
    if (obstacle !== undefined) {
      throw new UnsupportedError({
        code: 'SNAPSHOT_NOT_CLONED',
        message: `Snapshot ${id} cannot be cloned, and is not read: ${obstacle}`,
        hint: 'Make a volume of the snapshot, and the image of the volume',
      });
    }
    return {
      url: urlOf(this.store, volume.id),
      size: snapshot.size * GIB,
      obstacles: [],
      request: { snapshot_id: id },
    };
  }

  async #usableSnapshot(id: string, { image, signal }: Judging): Promise<Snapshot> {
    const snapshot = await found(id, image, 'os-extended-snapshot-attributes:project_id', () =>
      this.volumes.snapshot(id, signal),
    );
    if (snapshot.status === 'available') return snapshot;
    throw wrongState('Snapshot', id, snapshot.status);
  }

  /** Whether a server of the image's owner could be given the device. */
  async #assertUsable(entry: BlockDevice, judging: Judging): Promise<void> {
    switch (entry.source_type) {
      case 'snapshot':
        await this.#usableSnapshot(entry.snapshot_id, judging);
        return;
      case 'volume':
        await this.#volume(entry.volume_id, judging);
        return;
      case 'image':
        assertVisible(entry.image_id, await this.#image(entry.image_id), judging.image.owner);
        return;
      case 'blank':
        return;
    }
  }

  async #image(id: string): Promise<Image | undefined> {
    try {
      return await this.images.get(id);
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  #obstacles({ volume_type }: Volume): readonly string[] {
    const { type } = this;
    if (type === undefined || volume_type === type) return [];
    return [
      `The volume is of type "${volume_type ?? 'none'}" and would stay where that is, the store keeps type "${type}"`,
    ];
  }
}

/** What is not the owner's is not there. */
async function found<T extends object>(
  id: string,
  { owner }: Image,
  projectKey: keyof T & string,
  show: () => Promise<T>,
): Promise<T> {
  const thing = await show().catch((error: unknown) => {
    if (!refusedWith(error, 404)) throw error;
    return undefined;
  });
  if (thing !== undefined && isOwned(thing[projectKey], owner)) return thing;
  throw new NotFoundError({
    code: 'VOLUME_NOT_FOUND',
    message: `No volume or snapshot ${id} that the owner of the image has`,
    hint: 'Check the id; volume and image must belong to one project',
  });
}

function isOwned(project: unknown, owner: string | null): boolean {
  return owner !== null && project === owner;
}

function assertRaw({ diskFormat, containerFormat }: Image): void {
  if (diskFormat === 'raw' && containerFormat === 'bare') return;
  throw new InvalidInputError({
    code: 'FORMAT_UNFIT',
    message: `A volume is raw and bare, the image is "${diskFormat ?? 'unset'}" and "${containerFormat ?? 'unset'}"`,
    hint: 'Set disk_format to raw and container_format to bare',
  });
}

function assertUsable(volume: Volume): void {
  const { id, status } = volume;
  if (!CLONED_FROM.includes(status)) throw wrongState('Volume', id, status);
  assertEncryption(volume);
}

function assertEncryption({ id, encrypted }: Volume): void {
  if (!encrypted) return;
  throw new UnsupportedError({
    code: 'VOLUME_ENCRYPTED',
    message: `Volume ${id} is encrypted, and its key would not come with the image`,
    hint: 'Copy it to a volume whose type is not encrypted',
  });
}

function assertVisible(id: string, image: Image | undefined, owner: string | null): void {
  const isVisible =
    image?.status === 'active' &&
    (['public', 'community'].includes(image.visibility) ||
      image.owner === owner ||
      (image.visibility === 'shared' && image.memberIds.includes(owner ?? '')));
  if (isVisible) return;
  throw new NotFoundError({
    code: 'IMAGE_NOT_FOUND',
    message: `No active image ${id} that the owner of the image may use`,
    hint: 'Check the id',
  });
}

function wrongState(what: string, id: string, status: string): ConflictError {
  return new ConflictError({
    code: 'VOLUME_STATE',
    message: `${what} ${id} is "${status}"`,
    hint: 'It must be available, or in use for a volume; repeat the import then',
  });
}
