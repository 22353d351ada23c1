import type { Failure } from '../base/errors.js';
import type { Json, JsonObject } from '../base/json.js';
import type { Image, ImageAttributes, ImageData, ImageStatus } from '../image/image.js';
import type { ImageMember, MemberStatus } from '../image/member.js';
import type { ImageQuery } from '../image/query.js';
import type { QuotaUsage } from '../image/quota.js';
import type { ImagePatch } from '../image/image.js';
import type { Inspection } from '../format/inspection.js';
import type { Generation, GenerationState, Reservation } from '../staging/generation.js';
import type { Location, LocationState } from '../store/location.js';
import type {
  ImportEvent,
  ImportFailure,
  ImportOutcome,
  ImportRecord,
  ImportState,
  TaskRecord,
  TaskState,
} from './import.js';
import type { ImageVolume, ImageVolumeState } from './image-volume.js';
import type { Notification } from './notification.js';
import type { MadeVolume } from '../plugin/contract/store.js';

/**
 * How the engine and the catalogue reach the database. One write transaction at a time; a read sees
 * committed rows only. A `when` is the condition of an UPDATE: the call answers `false`, and has
 * changed nothing, where no row fulfils it.
 */
export interface Database {
  /** Runs `work` in one durable transaction; what it throws rolls everything back. Only SQL inside. */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  readonly read: Reader;
  /** Whether anybody is told of what notifications call `type`. */
  isTold(type: string): boolean;
}
export const Database = Symbol('Database');

/** Reads; inside a transaction they see its own changes. */
export interface Reader {
  /** Images that are deleted are not found. */
  image(id: string): Promise<Image | undefined>;
  /** As {@link image}, also of a deleted image, as far as its row still tells. */
  imageEvenDeleted(id: string): Promise<Image | undefined>;
  /** Whether the id was ever used, deleted images included. */
  imageIdTaken(id: string): Promise<boolean>;
  /** @throws {InvalidInputError} `MARKER_NOT_FOUND` */
  images(query: ImageQuery): Promise<readonly Image[]>;
  /** Ids of active images that have bytes and no digest, in their order, behind an id. */
  undigestedImages(after: string, limit: number): Promise<readonly string[]>;
  /** Whom an image is shared with, in the order of the sharing. */
  members(imageId: string): Promise<readonly ImageMember[]>;

  import(id: string): Promise<ImportRecord | undefined>;
  imports(query: ImportQuery): Promise<readonly ImportRecord[]>;
  /** The newest import of each of these images that has one. */
  newestImports(imageIds: readonly string[]): Promise<readonly ImportOutcome[]>;
  /** The import of an image that is in no final state; there is at most one. */
  liveImport(imageId: string): Promise<ImportRecord | undefined>;
  importByIdempotencyKey(imageId: string, key: string): Promise<ImportRecord | undefined>;
  /** Ids of imports that have ended and wait for nobody, the first to end first. */
  endedImports(query: EndedImportsQuery): Promise<readonly string[]>;
  /** In flow order. */
  tasks(importId: string): Promise<readonly TaskRecord[]>;
  events(importId: string, afterSequence: number, limit: number): Promise<readonly ImportEvent[]>;

  generation(id: string): Promise<Generation | undefined>;
  generations(query: GenerationQuery): Promise<readonly Generation[]>;
  /** Results of observers for one generation, by observer key. */
  observations(generationId: string): Promise<Readonly<Record<string, Json>>>;
  reservations(): Promise<readonly Reservation[]>;
  /** Sum of all reservations, bytes. */
  reservedBytes(): Promise<number>;

  /** What the images of a project take. */
  usage(projectId: string): Promise<QuotaUsage>;

  locations(query: LocationQuery): Promise<readonly Location[]>;
  /** Ids of the stores that hold bytes, configured or not. */
  usedStores(): Promise<readonly string[]>;

  imageVolumes(query: ImageVolumeQuery): Promise<readonly ImageVolume[]>;

  /** The oldest notifications with a higher number than `after` that wait to be sent. */
  notifications(after: number, limit: number): Promise<readonly Notification[]>;

  pluginState(plugin: string, key: string): Promise<Json | undefined>;
}

export interface ImportQuery {
  readonly imageId?: string;
  readonly states?: readonly ImportState[];
  /** Owner of the image; for callers that see only their project's. */
  readonly projectId?: string;
  /** Id after which the page begins, in the given order. */
  readonly marker?: string;
  readonly limit?: number;
  /** By creation. @default 'asc' */
  readonly order?: 'asc' | 'desc';
}

export interface EndedImportsQuery {
  readonly before: Date;
  readonly limit: number;
}

export interface GenerationQuery {
  readonly imageId?: string;
  readonly importId?: string | null;
  readonly states?: readonly GenerationState[];
  /** Made `ready` before. */
  readonly readyBefore?: Date;
  /** Only those that a client sends over several requests. */
  readonly resumable?: true;
}

export interface LocationQuery {
  readonly imageId?: string;
  /** Of any of these images. */
  readonly imageIds?: readonly string[];
  readonly importId?: string;
  readonly store?: string;
  readonly objectName?: string;
  readonly states?: readonly LocationState[];
}

export interface ImageVolumeQuery {
  readonly id?: string;
  readonly imageId?: string;
  readonly projectId?: string;
  readonly states?: readonly ImageVolumeState[];
  readonly limit?: number;
}

export type ImageVolumeChange = Partial<
  Pick<ImageVolume, 'state' | 'failure'> & {
    readonly made: MadeVolume;
    readonly finishedAt: Date;
  }
>;

export type ImageChange = Partial<ImageAttributes & ImageData> & {
  readonly status?: ImageStatus;
  /** A string sets, `null` removes. */
  readonly properties?: Readonly<Record<string, string | null>>;
  /** Removes every property that `properties` does not set. */
  readonly replaceProperties?: boolean;
};

export interface Transaction extends Reader {
  /** Begins a new life of the worker; answers its number, higher than all before. */
  startEpoch(at: Date, facts: { readonly pid: number; readonly host: string }): Promise<number>;

  /** @throws {ConflictError} `IMAGE_EXISTS` when the id was ever used. */
  insertImage(image: Image): Promise<void>;
  /**
   * Sets `updated_at` to `at` as well. `queued` takes the sizes away, `deleted` keeps a tombstone.
   */
  updateImage(
    id: string,
    when: { readonly status: readonly ImageStatus[] },
    change: ImageChange,
    at: Date,
  ): Promise<boolean>;

  insertMember(member: ImageMember): Promise<void>;
  /** Sets `updated_at` to `at` as well; `false` where there is no such member. */
  updateMember(
    imageId: string,
    projectId: string,
    change: { readonly status: MemberStatus },
    at: Date,
  ): Promise<boolean>;
  deleteMember(imageId: string, projectId: string): Promise<void>;

  /**
   * Inserts the import with its tasks.
   * @throws {ConflictError} `IMPORT_RUNNING` when the image has a live import.
   */
  insertImport(record: ImportRecord, tasks: readonly TaskRecord[]): Promise<void>;
  /** With `epoch`, the caller's, a row that another epoch holds is not changed. */
  updateImport(
    id: string,
    when: { readonly state: readonly ImportState[]; readonly epoch?: number },
    change: ImportChange,
  ): Promise<boolean>;
  /** Records the wish, whoever holds the row; `false` when the import is ending already, or over. */
  requestCancel(id: string, cancel: 'user' | 'deleted'): Promise<boolean>;
  /** Adds to `userPatched`. */
  addUserPatched(id: string, names: readonly string[]): Promise<void>;
  /** Takes over every import that is not in a final state; answers how many. */
  takeOverImports(epoch: number): Promise<number>;
  /** Deletes finished imports with their tasks and events; answers how many. */
  deleteImports(ids: readonly string[]): Promise<number>;

  updateTask(
    importId: string,
    position: number,
    when: { readonly state: readonly TaskState[] },
    change: TaskChange,
  ): Promise<boolean>;

  /** Numbers and stores an event. */
  appendEvent(importId: string, at: Date, type: string, data: JsonObject): Promise<ImportEvent>;

  insertGeneration(generation: Generation): Promise<void>;
  updateGeneration(
    id: string,
    when: { readonly state: readonly GenerationState[] },
    change: GenerationChange,
  ): Promise<boolean>;
  /** Deletes the row with its observations and reservations. */
  deleteGeneration(id: string): Promise<void>;
  saveObservation(generationId: string, key: string, result: Json): Promise<void>;

  insertReservation(reservation: Reservation): Promise<void>;
  updateReservation(
    id: string,
    change: Partial<Pick<Reservation, 'bytes' | 'need'>>,
  ): Promise<void>;
  deleteReservation(id: string): Promise<void>;
  deleteReservations(query: {
    readonly importId: string;
    readonly purpose: 'workspace';
  }): Promise<void>;
  /** Moves data reservations along with the generation that is claimed or given back. */
  assignGeneration(id: string, importId: string | null): Promise<boolean>;

  insertLocation(location: Location): Promise<void>;
  updateLocation(
    id: string,
    when: { readonly state: readonly LocationState[] },
    change: Partial<Pick<Location, 'state' | 'url' | 'metadata' | 'linkedGeneration'>>,
  ): Promise<boolean>;
  deleteLocation(id: string): Promise<void>;

  insertImageVolume(volume: ImageVolume): Promise<void>;
  updateImageVolume(
    id: string,
    when: { readonly state: readonly ImageVolumeState[] },
    change: ImageVolumeChange,
  ): Promise<boolean>;
  /** Deletes those that have ended before. */
  deleteImageVolumes(before: Date): Promise<void>;

  /** Has it told that bytes went out; absent where nobody is told of anything. */
  tellSent?(sent: SentImage): Promise<void>;
  /** Those up to this number have been sent. */
  deleteNotifications(through: number): Promise<void>;

  setPluginState(plugin: string, key: string, value: Json | undefined): Promise<void>;
}

/** Bytes of an image that somebody has got. */
export interface SentImage {
  readonly image: Image;
  readonly bytes: number;
  readonly receiver: { readonly userId: string | null; readonly projectId: string | null };
  readonly at: Date;
}

export interface ImportChange {
  readonly state?: ImportState;
  readonly epoch?: number;
  readonly failure?: ImportFailure | null;
  readonly startedAt?: Date;
  readonly finishedAt?: Date;
}

export interface TaskChange {
  readonly state?: TaskState;
  readonly attempt?: number;
  readonly retries?: number;
  readonly countedFrom?: number;
  readonly reached?: number;
  readonly checkpoint?: Json | null;
  readonly draft?: ImagePatch | null;
  readonly output?: JsonObject | null;
  readonly virtualSize?: number | null;
  readonly size?: number | null;
  readonly reason?: string | null;
  readonly failure?: Failure | null;
  readonly progressDone?: number | null;
  readonly progressTotal?: number | null;
  readonly retryAt?: Date | null;
  readonly startedAt?: Date | null;
  readonly finishedAt?: Date | null;
}

export interface GenerationChange {
  readonly state?: GenerationState;
  readonly durable?: number;
  readonly validator?: string | null;
  readonly size?: number;
  readonly allocatedSize?: number;
  readonly digests?: Readonly<Record<string, string>>;
  readonly inspection?: Inspection;
  readonly readyAt?: Date;
  /** Of the upload. */
  readonly touchedAt?: Date;
}
