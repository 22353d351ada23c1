import {
  ConflictError,
  InvalidInputError,
  NotFoundError,
  UnsupportedError,
  z,
} from '../../core/api.js';
import type { CloneOrigin, Image, JsonObject } from '../../core/api.js';
import { refusedWith } from './cinder/cinder-api.js';
import type { Volume, VolumeRequest, Volumes } from './cinder/volumes.js';
import { urlOf } from './cinder-location.js';
import { GIB } from './image-volume.js';

/** States from which Cinder clones. */
const CLONED_FROM = ['available', 'in-use'];

const Origin = z.union([
  z.strictObject({ volume_id: z.guid() }),
  z.strictObject({ snapshot_id: z.guid() }),
]);

/** A volume or a snapshot that was found fit to become an image. */
export interface Judged extends CloneOrigin {
  readonly request: Pick<VolumeRequest, 'source_volid' | 'snapshot_id'>;
}

/**
 * Judges what is to become an image.
 * @param type of the volumes that the store keeps, where it keeps one type alone
 * @throws {NotFoundError} `VOLUME_NOT_FOUND`, also for what another project owns; {InvalidInputError}
 *   `FORMAT_UNFIT`; {ConflictError} `VOLUME_STATE`; {UnsupportedError} `VOLUME_ENCRYPTED` ·
 *   `SNAPSHOT_NOT_CLONED`
 */
export async function judged(
  volumes: Volumes,
  store: string,
  type: string | undefined,
  origin: JsonObject,
  { image, signal }: { readonly image: Image; readonly signal: AbortSignal },
): Promise<Judged> {
  assertRaw(image);
  const asked = Origin.parse(origin);
  if ('volume_id' in asked) {
    const { volume_id: id } = asked;
    const volume = await found(id, image, 'os-vol-tenant-attr:tenant_id', () =>
      volumes.show(id, signal),
    );
    assertClonable(volume);
    const { size } = volume;
    return {
      url: urlOf(store, id),
      size: size * GIB,
      obstacles: typeObstacles(volume, type),
      request: { source_volid: id },
    };
  }
  const { snapshot_id: id } = asked;
  const snapshot = await found(id, image, 'os-extended-snapshot-attributes:project_id', () =>
    volumes.snapshot(id, signal),
  );
  if (snapshot.status !== 'available') throw wrongState('Snapshot', id, snapshot.status);
  const volume = await volumes.show(snapshot.volume_id, signal);
  assertEncryption(volume);
  const [obstacle] = typeObstacles(volume, type);
  if (obstacle !== undefined) {
    throw new UnsupportedError({
      code: 'SNAPSHOT_NOT_CLONED',
      message: `Snapshot ${id} cannot be cloned, and is not read: ${obstacle}`,
      hint: 'Make a volume of the snapshot, and the image of the volume',
    });
  }
  const size = snapshot.size * GIB;
  return { url: urlOf(store, volume.id), size, obstacles: [], request: { snapshot_id: id } };
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

function assertClonable(volume: Volume): void {
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

function typeObstacles({ volume_type }: Volume, type: string | undefined): readonly string[] {
  if (type === undefined || volume_type === type) return [];
  return [
    `The volume is of type "${volume_type ?? 'none'}" and would stay where that is, the store keeps type "${type}"`,
  ];
}

function wrongState(what: string, id: string, status: string): ConflictError {
  return new ConflictError({
    code: 'VOLUME_STATE',
    message: `${what} ${id} is "${status}"`,
    hint: 'It must be available, or in use for a volume; repeat the import then',
  });
}
