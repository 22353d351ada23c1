import type { Readable } from 'node:stream';
import type { Json, JsonObject } from '../../base/json.js';
import type { Image } from '../../image/image.js';
import type { CallerView } from './view.js';
import type { GuestDisk, PluginLog } from './services.js';

/** How the bytes of an import come. */
export type DataSource =
  StreamSource | DiskSource | StagedSource | LocationSource | RegisteredSource | CloneSource;

/** Bytes that are read from somewhere else. */
export interface StreamSource {
  readonly kind: 'stream';
  /** Bytes in all, where the sender says so; a stream of another length is an error. */
  readonly size: number | undefined;
  /**
   * Much of it may be zeros, which take no disk: staging is reserved as other bytes come, and not for
   * `size` at once.
   * @default false
   */
  readonly sparse?: boolean;
  /**
   * Identifies this very content (an ETag, a digest). With it, and `resumable`, the engine goes on
   * from where a break came; it starts over when the value has changed.
   */
  readonly validator: string | undefined;
  /** `open` works from any offset. */
  readonly resumable: boolean;
  /** Milliseconds that it may stand still, with the time to open it anew. @default a minute */
  readonly idleTimeoutMs?: number;
  /**
   * Opens the bytes from `offset` (0 where not `resumable`). The engine closes the stream. When one that
   * is resumable breaks after some progress, it is opened again behind its last byte, in the same attempt.
   * @throws {TransientError} when it may work later.
   */
  open(offset: number, signal: AbortSignal): Promise<Readable>;
  /** Digests in hex by algorithm that the bytes must have. */
  readonly expectedDigests?: Readonly<Record<string, string>>;
}

/**
 * A disk of which every byte is read once, from the first to the last. Zeros take no space: staging is
 * reserved as other bytes come.
 */
export interface DiskSource {
  readonly kind: 'disk';
  /** The engine closes it. */
  readonly disk: GuestDisk;
}

/** The bytes are in staging already: the client has sent them before the import. */
export interface StagedSource {
  readonly kind: 'staged';
}

/** A storage holds the bytes already; none pass through here. */
export interface LocationSource {
  readonly kind: 'location';
  readonly store: string;
  readonly url: string;
  readonly metadata?: JsonObject;
  readonly size: number;
  readonly virtualSize: number | undefined;
}

/** A storage holds the bytes already; they are read to be judged, and stay where they are. */
export interface RegisteredSource {
  readonly kind: 'registered';
  readonly store: string;
  readonly url: string;
  readonly metadata?: JsonObject;
  /** Digests in hex by algorithm that the bytes must have. */
  readonly expectedDigests?: Readonly<Record<string, string>>;
}

/**
 * A storage holds the bytes as something else than an image: a clone of it becomes the image, inside the
 * storage. Where that cannot be, the bytes are read.
 */
export interface CloneSource {
  readonly kind: 'clone';
  /** A {@link CloningStore}. */
  readonly store: string;
  /** What is cloned, in the words of the store. */
  readonly origin: JsonObject;
}

/** What an import method has at hand when it is asked for its source. */
export interface MethodContext {
  readonly importId: string;
  readonly image: Image;
  /** The method's parameters, as its `params` schema returned them. */
  readonly params: JsonObject;
  readonly caller: CallerView;
  /** The digest that the client has announced, in hex; the engine holds it against the bytes. */
  readonly expectedDigest: { readonly algorithm: string; readonly value: string } | undefined;
  /** What an earlier attempt has saved with {@link MethodContext.checkpoint}. */
  readonly resumeFrom: Json | undefined;
  checkpoint(position: Json): Promise<void>;
  /** The bytes of a running `PUT …/file`; `undefined` where no client is sending. */
  readonly body: ClientBody | undefined;
  readonly signal: AbortSignal;
  readonly log: PluginLog;
}

export interface ClientBody {
  readonly stream: Readable;
  readonly size: number | undefined;
}
