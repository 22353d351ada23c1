import type { Readable } from 'node:stream';
import type { JsonObject } from '../../base/json.js';
import type { Image, ImagePatch } from '../../image/image.js';

/** Where a store holds one object. The URL is opaque to everybody but the store. */
export interface StoredObject {
  readonly url: string;
  readonly metadata?: JsonObject;
}

/** Where a store holds the bytes of an image. */
export interface PlacedLocation {
  readonly store: string;
  readonly url: string;
}

/** Half-open range of bytes: `start` ≤ position < `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * A store keeps image data. A write becomes visible under its URL only when it is complete and
 * durable. Native errors are translated where they arise, with `cause`: {@link TransientError}
 * `STORE_UNAVAILABLE` for what may pass, {@link CapacityError} `STORE_FULL`, {@link NotFoundError}
 * `OBJECT_NOT_FOUND`, {@link PermanentError} `STORE_BROKEN` for the rest.
 */
export interface Store {
  /**
   * Gets ready; creates what it needs. Called before anything else, and again after it has failed:
   * until it succeeds the store is down. {@link InvalidInputError} for a configuration that can never
   * work stops the server.
   */
  start?(known: StoreHistory): Promise<void>;
  /** Lets go of connections and files. */
  stop?(): Promise<void>;

  /**
   * Stores a stream under a name that is never used twice. Returns when the bytes are durable.
   * `size` is given where it is known; a stream of another length is an error.
   */
  write(
    name: string,
    source: Readable,
    options: { readonly size: number | undefined; readonly signal: AbortSignal },
  ): Promise<StoredObject>;

  /** Opens an object, or a range of it where {@link RangeReadStore} is implemented. */
  open(
    url: string,
    options: { readonly range?: ByteRange; readonly signal?: AbortSignal },
  ): Promise<Readable>;

  /** Size in bytes. @throws {NotFoundError} `OBJECT_NOT_FOUND` */
  stat(url: string): Promise<{ readonly size: number }>;

  /** Removes an object; succeeds where it is gone already. */
  delete(url: string): Promise<void>;

  /**
   * Removes whatever a write under `name` has left, whole or in part; succeeds where there is
   * nothing. Called after a crash between the write and its record.
   */
  discard(name: string): Promise<void>;

  /**
   * Removes what earlier writes have left and nobody knows any more, some time after them. Called now
   * and then; only for storages that may make an object after `discard` has found none.
   */
  sweep?(isKnown: (name: string) => Promise<boolean>): Promise<void>;

  /** `open` honours `range`. @default false */
  readonly rangeRead?: boolean;

  /** Facts for administrators, without secrets; shown at `/v2/info/stores/detail`. */
  properties?(): JsonObject;
}

/** What the server knows of a store when it starts it. */
export interface StoreHistory {
  /** It holds images: where nothing of them is to be found, the storage behind it is away. */
  readonly holdsObjects: boolean;
}

/** A store on a local file system, which can take a file without its bytes being read. */
export interface FileStore extends Store {
  /**
   * Takes over the content of a local file without changing it: by hard link, by reflink, or by
   * reading it where that is not possible. The file must not be written afterwards.
   * Returns `undefined` where the file system cannot do what `link` and `clone` ask for.
   */
  takeFile(
    name: string,
    path: string,
    options: { readonly share: 'link' | 'clone' | 'copy'; readonly signal: AbortSignal },
  ): Promise<StoredObject | undefined>;

  /** Absolute directory that holds every file of the store. */
  readonly root: string;

  /** Absolute path of the file that holds an object, byte by byte; downloads are read from there. */
  pathOf(url: string): string;
}

/** A store whose storage can make an object of something else that it holds, without its bytes being read. */
export interface CloningStore extends Store {
  /**
   * Judges what is to be cloned for an image; makes nothing.
   * @throws {NotFoundError} where there is no such thing, or none that the image's owner has
   */
  examine(
    origin: JsonObject,
    options: { readonly image: Image; readonly signal: AbortSignal },
  ): Promise<CloneOrigin>;

  /**
   * Makes an object under a name that is never used twice. What it leaves when it fails is found by
   * {@link Store.discard}, as after {@link Store.write}.
   */
  clone(
    name: string,
    origin: JsonObject,
    options: { readonly image: Image; readonly signal: AbortSignal },
  ): Promise<StoredObject>;
}

/** What was found of something that is to be cloned. */
export interface CloneOrigin {
  /** Where {@link Store.open} reads its bytes. */
  readonly url: string;
  /** Bytes. */
  readonly size: number;
  /** Why no clone can be made, each as a sentence; empty where one can. */
  readonly obstacles: readonly string[];
  /** What the image becomes beside its bytes. */
  readonly draft?: ImagePatch;
}

export function isCloningStore(store: Store): store is CloningStore {
  return 'examine' in store && 'clone' in store;
}

/** A store whose storage also holds volumes, and can make one of an image. */
export interface VolumeStore extends Store {
  /**
   * Makes a volume of an image, by a clone where that is possible, of its bytes otherwise. Repeating it
   * with the same name, after a crash too, answers the same volume.
   * @throws {InvalidInputError} for an image or a size of which no volume can be
   */
  makeVolume(name: string, wish: VolumeWish): Promise<MadeVolume>;
  /**
   * Removes what {@link makeVolume} has left under a name and no project has taken over; succeeds where
   * there is nothing.
   */
  discardVolume(name: string): Promise<void>;
  /** Whether a volume that was offered is its project's now, or gone. */
  isTaken(volumeId: string): Promise<boolean>;
}

export interface VolumeWish {
  readonly image: Image;
  /** Where this store holds the image; `undefined` where it does not. */
  readonly url: string | undefined;
  /** Opens the bytes of the image, wherever they are. */
  open(signal: AbortSignal): Promise<Readable>;
  /** Whose the volume is to be. */
  readonly projectId: string;
  readonly name: string;
  /** GiB; otherwise as many as the disk needs. */
  readonly size: number | undefined;
  readonly volumeType: string | undefined;
  readonly availabilityZone: string | undefined;
  readonly signal: AbortSignal;
}

export interface MadeVolume {
  readonly id: string;
  /** GiB. */
  readonly size: number;
  /** Why its bytes were copied, each as a sentence; empty for a clone. */
  readonly obstacles: readonly string[];
  /** With which the project takes it over; `undefined` where it is its own already. */
  readonly transfer: { readonly id: string; readonly key: string } | undefined;
}

export function isVolumeStore(store: Store): store is VolumeStore {
  return 'makeVolume' in store && 'discardVolume' in store;
}

export function isFileStore(store: Store): store is FileStore {
  return 'takeFile' in store && 'pathOf' in store;
}
