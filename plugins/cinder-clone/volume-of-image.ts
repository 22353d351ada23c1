import { InvalidInputError, NotFoundError } from '../../core/api.js';
import type { Image, MadeVolume, VolumeWish } from '../../core/api.js';
import { refusedWith } from './cinder/cinder-api.js';
import type { Volume, Volumes } from './cinder/volumes.js';
import type { VolumeBytes } from './volume-bytes.js';
import { gibs, isImageVolume } from './image-volume.js';

/** Names the request that a volume is made for; no other volume has the same. */
const WISH_KEY = 'stowage_volume';
/** Names the project that it is made for. */
const FOR_KEY = 'stowage_for';
/** Says that its bytes are copied into it, and not cloned. */
const COPY_KEY = 'stowage_copy';
/** Says that all bytes are there. */
const WHOLE_KEY = 'stowage_whole';

/** Characters of one value that Cinder keeps with a volume. */
const MAX_METADATA = 255;

/** Makes volumes of images for projects, and hands them over. */
export class VolumesOfImages {
  constructor(
    private readonly volumes: Volumes,
    private readonly bytes: VolumeBytes,
    /** The volume of a location of the store. */
    private readonly volumeOf: (url: string) => string,
  ) {}

  /** @throws {InvalidInputError} `FORMAT_UNFIT` · `VOLUME_TOO_SMALL` */
  async make(name: string, wish: VolumeWish): Promise<MadeVolume> {
    const { image, signal } = wish;
    const source = await this.#source(wish);
    const size = wish.size ?? Math.max(image.minDisk, source?.size ?? 0, neededBy(image));
    await this.#assertType(wish);
    assertLarge(size, Math.max(neededBy(image), image.minDisk));
    const obstacles = obstaclesTo(source, wish, size);
    if (obstacles.length > 0) assertRaw(image);
    const volume = await this.#volume(name, wish, {
      size,
      ...(source !== undefined && obstacles.length === 0 ? { source_volid: source.id } : {}),
    });
    const isCopy = COPY_KEY in volume.metadata;
    if (isCopy && !(WHOLE_KEY in volume.metadata)) {
      await this.bytes.write(volume, await wish.open(signal), image.size ?? undefined, signal);
      await this.volumes.describe(volume.id, { [WHOLE_KEY]: 'true' }, signal);
    }
    await this.#describe(volume.id, image, signal);
    const transfer = await this.#handOver(volume, wish);
    const told = isCopy && obstacles.length === 0 ? ['It was begun as a copy'] : obstacles;
    return { id: volume.id, size, obstacles: told, transfer };
  }

  /** The account may use every type; the project has to be let. */
  async #assertType({ volumeType, projectId, signal }: VolumeWish): Promise<void> {
    if (volumeType === undefined) return;
    if (await this.volumes.mayUseType(volumeType, projectId, signal)) return;
    throw new NotFoundError({
      code: 'VOLUME_TYPE_NOT_FOUND',
      message: `No volume type "${volumeType}" that the project may use`,
      hint: 'See `openstack volume type list`',
    });
  }

  async discard(name: string): Promise<void> {
    const { signal } = new AbortController();
    for (const volume of await this.volumes.findBy(WISH_KEY, name, signal)) {
      if (isTaken(volume)) continue;
      const { id, status } = volume;
      if (status === 'awaiting-transfer') await this.volumes.withdraw(id, signal);
      await this.volumes.remove(id, signal);
    }
  }

  async isTaken(id: string): Promise<boolean> {
    const { signal } = new AbortController();
    try {
      return isTaken(await this.volumes.show(id, signal));
    } catch (error) {
      if (refusedWith(error, 404)) return true;
      throw error;
    }
  }

  /** The image's own volume, where it is one. */
  async #source({ url, signal }: VolumeWish): Promise<Volume | undefined> {
    if (url === undefined) return undefined;
    return this.volumes.show(this.volumeOf(url), signal).catch((error: unknown) => {
      // The bytes may be elsewhere too.
      if (refusedWith(error, 404)) return undefined;
      throw error;
    });
  }

  /** The one that an earlier attempt has made, or a new one. */
  async #volume(
    name: string,
    wish: VolumeWish,
    facts: { readonly size: number; readonly source_volid?: string },
  ): Promise<Volume> {
    const { signal, volumeType, availabilityZone } = wish;
    const [found, ...others] = await this.volumes.findBy(WISH_KEY, name, signal);
    // A request of an earlier life may have been carried out after it was repeated.
    for (const { id } of others) await this.volumes.remove(id, signal);
    // The key of an offer is told once: one whose answer was lost is of no use.
    if (found?.status === 'awaiting-transfer') await this.volumes.withdraw(found.id, signal);
    const made =
      found ??
      (await this.volumes.create(
        {
          ...facts,
          ...(volumeType === undefined ? {} : { volume_type: volumeType }),
          ...(availabilityZone === undefined ? {} : { availability_zone: availabilityZone }),
          name: wish.name,
          metadata: {
            ...{ [WISH_KEY]: name, [FOR_KEY]: wish.projectId },
            ...(facts.source_volid === undefined ? { [COPY_KEY]: 'true' } : {}),
          },
        },
        WISH_KEY,
        signal,
      ));
    return this.volumes.available(made.id, signal);
  }

  /** As Cinder tells of a volume that it has made of an image itself. */
  async #describe(id: string, image: Image, signal: AbortSignal): Promise<void> {
    const { name, minDisk, minRam, size, properties } = image;
    const told = Object.entries(properties).filter(([, value]) => value.length <= MAX_METADATA);
    const metadata = {
      ...Object.fromEntries(told),
      ...{
        image_id: image.id,
        image_name: name ?? '',
        disk_format: 'raw',
        container_format: 'bare',
      },
      ...{ min_disk: String(minDisk), min_ram: String(minRam), size: String(size ?? 0) },
    };
    await this.volumes.act(id, { 'os-set_image_metadata': { metadata } }, signal);
    await this.volumes.act(id, { 'os-set_bootable': { bootable: true } }, signal);
  }

  /** Cinder gives a volume to another project only when somebody there takes it. */
  async #handOver(
    volume: Volume,
    { projectId, signal }: VolumeWish,
  ): Promise<MadeVolume['transfer']> {
    if (volume['os-vol-tenant-attr:tenant_id'] === projectId) return undefined;
    return this.volumes.offer(volume.id, signal);
  }
}

/** Whether a volume is its project's: then it is not removed any more. */
function isTaken(volume: Volume): boolean {
  return volume['os-vol-tenant-attr:tenant_id'] === volume.metadata[FOR_KEY];
}

function obstaclesTo(
  source: Volume | undefined,
  { volumeType }: VolumeWish,
  size: number,
): readonly string[] {
  if (source === undefined) return ['The image is no volume of this storage'];
  const told: string[] = [];
  if (!isImageVolume(source)) told.push('The volume of the image is in use by itself');
  if (source.encrypted) told.push('The volume of the image is encrypted');
  if (!['available', 'in-use'].includes(source.status)) {
    told.push(`The volume of the image is "${source.status}"`);
  }
  if (source.size > size)
    told.push(`The volume of the image has ${source.size} GiB, wanted are ${size}`);
  if (volumeType !== undefined && volumeType !== source.volume_type) {
    told.push(
      `The volume of the image is of type "${source.volume_type ?? 'none'}", wanted is "${volumeType}"`,
    );
  }
  return told;
}

function neededBy({ size, virtualSize }: Image): number {
  return gibs(virtualSize ?? size ?? 0);
}

function assertLarge(size: number, needed: number): void {
  if (size >= needed) return;
  throw new InvalidInputError({
    code: 'VOLUME_TOO_SMALL',
    message: `The image needs a volume of ${needed} GiB, wanted are ${size}`,
    hint: 'Ask for a larger one, or leave the size out',
  });
}

function assertRaw({ id, diskFormat, containerFormat }: Image): void {
  if (diskFormat === 'raw' && containerFormat === 'bare') return;
  throw new InvalidInputError({
    code: 'FORMAT_UNFIT',
    message: `A volume is raw, image ${id} is "${diskFormat ?? 'unset'}"`,
    hint: 'Convert images to raw when they come in',
  });
}
