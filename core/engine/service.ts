import type { Writable } from 'node:stream';
import type { Caller } from '../auth/caller.js';
import type { JsonObject } from '../base/json.js';
import type { ClientBody } from '../plugin/contract/source.js';
import type { ByteRange } from '../plugin/contract/store.js';
import type { ImageVolume, ImageVolumeWish } from './image-volume.js';
import type { ImportEvent, ImportRecord, TaskRecord } from './import.js';
import type { SentImage } from './ports.js';

/**
 * What the HTTP layer and the CLI ask of the engine. Whether the caller may see and change the image
 * is settled before; everything else is checked here.
 */
export interface Imports {
  /**
   * Begins an import; it is durable when the promise resolves.
   * @throws {ConflictError} `IMAGE_STATE` · `IMPORT_RUNNING` · `FORMATS_UNSET`
   * @throws {InvalidInputError} `METHOD_UNKNOWN` · `METHOD_PARAMS` · `STORE_UNKNOWN` ·
   *   `STORES_AND_ALL_STORES` · `CHECKSUM_INVALID`
   */
  start(request: ImportRequest): Promise<ImportRecord>;
  /**
   * As {@link start}, for a method that the server itself asks for in the name of a caller.
   */
  register(request: ImportRequest): Promise<ImportRecord>;
  /** What {@link start} would do, with nothing done. Throws as it does. */
  plan(request: ImportRequest): Promise<ImportPlan>;
  /**
   * Asks an import to stop: where the promise resolves, its end is `cancelled`, or `revert_failed`.
   * @throws {ConflictError} `IMPORT_FINISHED` · `IMPORT_REVERTING` when it has failed and is being undone
   */
  cancel(importId: string): Promise<void>;
  /**
   * A failed or cancelled import: the same request again, as a new import. A failed revert: reverts
   * again.
   * @throws {ConflictError} `IMPORT_NOT_FAILED`, and as {@link start}
   */
  retry(importId: string, caller: Caller): Promise<ImportRecord>;
  /**
   * Every event after `afterSequence`, then those to come and the progress between them; ends after
   * the event of a final state, or when `signal` is aborted.
   */
  follow(importId: string, afterSequence: number, signal: AbortSignal): AsyncIterable<ImportUpdate>;
  /** Resolves when the import is in a final state. */
  finished(importId: string, signal: AbortSignal): Promise<ImportRecord>;
  /** Progress that is newer than the task rows, which are written at intervals. */
  progress(importId: string): readonly TaskProgress[];
}
export const Imports = Symbol('Imports');

export interface ImportRequest {
  readonly imageId: string;
  readonly method: string;
  /** What stands beside `name` in the request's `method`. */
  readonly params: JsonObject;
  readonly stores?: readonly string[];
  readonly allStores?: boolean;
  /** @default true */
  readonly allStoresMustSucceed?: boolean;
  /** Digest that the bytes must have. */
  readonly checksum?: { readonly algorithm: string; readonly value: string };
  readonly idempotencyKey?: string;
  readonly caller: Caller;
}

export interface ImportPlan {
  readonly method: string;
  readonly stores: readonly string[];
  readonly tasks: readonly PlannedTask[];
  /** Bytes of staging that the whole needs at most, as far as that is known now. */
  readonly workspace: number;
  readonly staging: { readonly capacity: number; readonly reserved: number };
}

export interface PlannedTask {
  readonly entry: string;
  readonly plugin: string;
  readonly store: string | undefined;
  /** Why it would be skipped; `undefined` when it would run or that is not known yet. */
  readonly skip: string | undefined;
  readonly workspace: number;
}

export type ImportUpdate =
  | { readonly kind: 'event'; readonly event: ImportEvent }
  | { readonly kind: 'progress'; readonly progress: TaskProgress };

export interface TaskProgress {
  readonly position: number;
  readonly entry: string;
  readonly store: string | null;
  readonly done: number;
  readonly total: number | null;
  /** Units per second over the last seconds. */
  readonly rate: number | null;
}

/** Volumes that are made of images. */
export interface ImageVolumes {
  /**
   * Begins to make a volume; the wish is durable when the promise resolves.
   * @throws {ConflictError} `IMAGE_STATE`; {InvalidInputError} `NO_VOLUMES`; {CapacityError}
   *   `TOO_MANY_VOLUMES`; {NotFoundError} `STORE_NOT_FOUND`
   */
  request(request: VolumeRequest): Promise<ImageVolume>;
}
export const ImageVolumes = Symbol('ImageVolumes');

export interface VolumeRequest {
  readonly imageId: string;
  readonly projectId: string;
  readonly userId: string | null;
  /** @default the one that holds the image, else the first that can make volumes */
  readonly store: string | undefined;
  readonly wish: ImageVolumeWish;
}

/** Bytes that a client sends. */
export interface Uploads {
  /**
   * `PUT …/file`: resolves when the image is active, or, where uploads go through the whole
   * pipeline, when the bytes are durable.
   * @throws what the import failed with
   */
  upload(upload: Upload): Promise<void>;
  /** `PUT …/stage`: resolves when the bytes are durable and the image is `uploading`. */
  stage(upload: Omit<Upload, 'store'>): Promise<void>;
}
export const Uploads = Symbol('Uploads');

export interface Upload {
  readonly imageId: string;
  readonly caller: Caller;
  readonly body: ClientBody;
  readonly store: string | undefined;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

/** Bytes that a client sends over several requests, into staging as `PUT …/stage` brings them. */
export interface ResumableUploads {
  /**
   * Begins an upload; the image is `uploading` and the bytes are reserved when it resolves.
   * @throws {ConflictError} `IMAGE_STATE`
   * @throws {CapacityError} `IMAGE_TOO_LARGE` · `STAGING_FULL` · `STAGING_TOO_SMALL`
   */
  create(upload: NewUpload): Promise<UploadState>;
  /**
   * How far an upload is. Ends a request that is sending, whose line may be dead: what it has brought
   * is counted.
   * @throws {NotFoundError} `UPLOAD_NOT_FOUND`
   */
  show(imageId: string, id: string): Promise<UploadState>;
  /**
   * Takes the next bytes. Whatever came is durable when the promise is settled; after the last byte
   * the image can be imported with `glance-direct`.
   * @throws {NotFoundError} `UPLOAD_NOT_FOUND`
   * @throws {ConflictError} `UPLOAD_BUSY` · `UPLOAD_OFFSET` · `UPLOAD_TAKEN_OVER`
   * @throws {CapacityError} `UPLOAD_TOO_LONG`
   * @throws what the bytes are refused for, as `PUT …/stage` does
   */
  append(piece: UploadPiece): Promise<UploadState>;
  /**
   * Gives an upload up: the image is `queued` again.
   * @throws {NotFoundError} `UPLOAD_NOT_FOUND`
   * @throws {ConflictError} `IMPORT_RUNNING`
   */
  abandon(imageId: string, id: string): Promise<void>;
}
export const ResumableUploads = Symbol('ResumableUploads');

export interface NewUpload {
  readonly imageId: string;
  /** Bytes in all. */
  readonly length: number;
  /** What the client says of it; kept as it is. */
  readonly metadata: string;
}

export interface UploadPiece {
  readonly imageId: string;
  readonly id: string;
  /** Where the bytes begin; it must be where the upload ends now. */
  readonly offset: number;
  readonly body: ClientBody;
}

export interface UploadState {
  readonly id: string;
  /** Bytes that need not be sent again. */
  readonly offset: number;
  readonly length: number;
  readonly metadata: string;
  /** When it goes if nothing is heard of the client until then. */
  readonly expiresAt: Date;
}

/** What becomes of an image and its bytes at the end. */
export interface Removal {
  /**
   * Deletes an image in whatever state: a live import is cancelled, its bytes go in the background.
   * @throws {ConflictError} `IMAGE_STATE` when another delete was faster
   */
  deleteImage(imageId: string): Promise<void>;
  /**
   * Takes an active image out of one of the stores that hold it; the bytes go in the background.
   * @throws {NotFoundError} `IMAGE_NOT_FOUND` · `NOT_IN_STORE`
   * @throws {ForbiddenError} `LAST_LOCATION`
   * @throws {ConflictError} `IMAGE_STATE`
   */
  removeFromStore(imageId: string, store: string): Promise<void>;
}
export const Removal = Symbol('Removal');

/** Opened bytes of an image. Whoever has them sends them, once. */
export interface Outgoing {
  /**
   * Writes them to the target and ends it.
   * @throws the signal's reason with which they were opened, and what reading and writing throw; the
   * target is then to be destroyed
   */
  sendTo(target: Writable): Promise<void>;
}

/** Reading the bytes of active images. */
export interface Downloads {
  /**
   * Opens the bytes, or a range of them, from the first store that has them; `undefined` where the
   * image has none.
   */
  open(
    imageId: string,
    options: {
      readonly range?: ByteRange;
      /** Bytes of the whole image. */
      readonly size: number;
      readonly signal: AbortSignal;
    },
  ): Promise<Outgoing | undefined>;
  /** Somebody has got all the bytes that were asked for. */
  sent(sent: Omit<SentImage, 'at'>): Promise<void>;
}
export const Downloads = Symbol('Downloads');

/** An import with its tasks, as it is shown. */
export interface ImportDetail {
  readonly import: ImportRecord;
  readonly tasks: readonly TaskRecord[];
}
