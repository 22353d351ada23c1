import type { Readable } from 'node:stream';
import type { Json } from '../base/json.js';
import type { Inspection, StreamInspector } from '../format/inspection.js';
import type { GuestDisk } from '../plugin/contract/services.js';
import type { ByteObserver } from '../plugin/contract/task.js';
import type { FlushPoints } from './flush-points.js';

/** One reading of all the bytes, shared by digests, inspector, observers and a file. */
export interface PassJob {
  readonly source: PassSource;
  /** Node's names: `md5`, `sha512`. */
  readonly digests: readonly string[];
  readonly inspector: StreamInspector;
  /** By a key of the caller's choosing. One that throws is detached; the pass goes on. */
  readonly observers: ReadonlyMap<string, ByteObserver>;
  /** Bytes at most. @throws {RejectedError} `SIZE_EXCEEDED` */
  readonly maxSize: number;
  /** Bytes that there must be. @throws {IntegrityError} `SIZE_MISMATCH` */
  readonly expectedSize: number | undefined;
  readonly signal: AbortSignal;
  /** Called with the bytes that have passed; at most every 64 KiB. */
  readonly onProgress?: (bytes: number) => void;
  /** Called with the bytes of the target that survive a power cut from now on. */
  readonly onDurable?: (bytes: number) => void;
  /** Has what has come so far made durable when its owner asks for it. */
  readonly flushes?: FlushPoints;
  /** Called with an observer's key and what it threw. */
  readonly onObserverError?: (key: string, error: unknown) => void;
  /**
   * Waited for before the target occupies more than was granted, zeros not counted; resolves with the
   * new total grant.
   */
  readonly grant?: (bytes: number) => Promise<number>;
}

export type PassSource =
  /** Bytes from elsewhere go into `target`, which is created, or continued from `prefix` bytes. */
  | {
      readonly kind: 'stream';
      readonly stream: Readable;
      readonly target: string;
      /** Bytes of `target` that are durable already; they are read again before the stream. */
      readonly prefix: number;
      /** Milliseconds without a byte. @throws {TransientError} `SOURCE_STALLED` */
      readonly idleTimeoutMs: number;
    }
  /** Every byte of a disk goes into `target`, which is created; the disk is closed. */
  | {
      readonly kind: 'disk';
      readonly disk: GuestDisk;
      readonly target: string;
      /** Milliseconds that one read may take. @throws {TransientError} `SOURCE_STALLED` */
      readonly idleTimeoutMs: number;
    }
  /** Bytes from elsewhere are only seen. */
  | {
      readonly kind: 'passing';
      readonly stream: Readable;
      readonly idleTimeoutMs: number;
    }
  /** A whole file is only read. */
  | { readonly kind: 'file'; readonly path: string };

export interface PassResult {
  readonly size: number;
  /** Bytes that the file occupies; 0 where there is none. */
  readonly allocatedSize: number;
  /** Hex by algorithm. */
  readonly digests: Readonly<Record<string, string>>;
  readonly inspection: Inspection;
  /** Results of the observers that have seen everything, by key. */
  readonly observations: Readonly<Record<string, Json>>;
}

/** The place of one taker at a reading that it shares with others. It joins once, or leaves. */
export interface SharedSeat {
  /**
   * Says that the bytes are needed, and resolves with them when the others have said what they need;
   * with `undefined` where nobody else needs them, or the reading has begun.
   * @throws the signal's reason
   */
  join(signal: AbortSignal): Promise<Readable | undefined>;
  /** Does without. Harmless after `join`, and when repeated. */
  leave(): void;
}

/** Moves bytes off the event loop. One for the whole server. */
export interface Dataflow {
  /**
   * When it resolves, a target file and its directory are durable. When it rejects, the target has
   * what arrived before, durable up to the number of bytes in `details.durable` of a
   * {@link TransientError}, so that a resumable source can go on from there.
   */
  pass(job: PassJob): Promise<PassResult>;
  /**
   * Copies a file, holes included, by reflink where the file system can; durable when it resolves.
   * Refuses a target that exists.
   */
  copyFile(from: string, to: string, signal: AbortSignal): Promise<void>;
  /**
   * As {@link copyFile}, by reflink alone: answers `false`, and leaves nothing, where the file system
   * cannot.
   */
  cloneFile(from: string, to: string, signal: AbortSignal): Promise<boolean>;
  /** One reading of a file, which does not change, for so many who may need its bytes. */
  shareFile(path: string, takers: number): readonly SharedSeat[];
  /** Makes a file or a directory durable as it is. */
  flush(path: string): Promise<void>;
  /** Ends the threads; rejects what is still running. */
  stop(): Promise<void>;
}
export const Dataflow = Symbol('Dataflow');
