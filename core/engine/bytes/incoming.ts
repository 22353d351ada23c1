import type { Readable } from 'node:stream';
import path from 'node:path';
import { inject, injectable } from 'inversify';
import { crashPoint } from '../../base/crash-point.js';
import { CancelledError, StowageError, TransientError } from '../../base/errors.js';
import type { ImagesConfig } from '../../config/config.js';
import type { FlushPoints } from '../../dataflow/flush-points.js';
import { Dataflow } from '../../dataflow/pass.js';
import type { PassResult, PassSource } from '../../dataflow/pass.js';
import { createInspector } from '../../format/inspector.js';
import type { Inspection, StreamInspector } from '../../format/inspection.js';
import type { GuestDisk } from '../../plugin/contract/services.js';
import type { ByteObserver } from '../../plugin/contract/task.js';
import { StagingArea } from '../../staging/area.js';
import type { Generation } from '../../staging/generation.js';
import { DataAdmission } from './data-admission.js';
import { GenerationRows, dataOwner, notReady } from './generation-rows.js';
import type { BegunGeneration, ExpectedBytes, IncomingOwner } from './generation-rows.js';
import { assertSafe } from './safety.js';
import { ImagesConfigToken } from '../settings.js';

export type IncomingBytes = (IncomingStream | IncomingDisk) & ExpectedBytes & IncomingTerms;

interface IncomingStream {
  open(offset: number): Promise<Readable>;
}

/** The pass closes it; its owner does where none has come to it. */
interface IncomingDisk {
  readonly disk: GuestDisk;
}

interface IncomingTerms {
  readonly idleTimeoutMs: number;
  /** Has what has come so far made durable when somebody asks for it. */
  readonly flushes?: FlushPoints;
  /**
   * Whether the generation stays, with its durable bytes, after this failure.
   * @default where the source can be resumed, something is durable, and a later attempt may go on
   */
  readonly outlives?: (error: unknown) => boolean;
}

export interface Watching {
  readonly observers: ReadonlyMap<string, ByteObserver>;
  /** Digest algorithms beside the configured ones. */
  readonly digests: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number | undefined) => void;
  readonly onObserverError: (key: string, error: unknown) => void;
}

/**
 * Makes generations: the stage protocol. Intent row → bytes → durable → commit ready. Every byte of
 * every generation passes the digests, the core inspector and the observers here, and what breaks a
 * safety rule never becomes ready.
 */
@injectable()
export class Incoming {
  constructor(
    @inject(GenerationRows) private readonly rows: GenerationRows,
    @inject(Dataflow) private readonly dataflow: Dataflow,
    @inject(StagingArea) private readonly staging: StagingArea,
    @inject(DataAdmission) private readonly admission: DataAdmission,
    @inject(ImagesConfigToken) private readonly config: ImagesConfig,
  ) {}

  /** Digests that every generation has. */
  get digests(): readonly string[] {
    return this.config.checksum ? ['md5', this.config.hashAlgorithm] : [this.config.hashAlgorithm];
  }

  /**
   * Takes a stream into staging. Where the source can be resumed, what an earlier attempt of the same
   * task has made durable is not asked for again.
   */
  async receive(
    owner: IncomingOwner,
    bytes: IncomingBytes,
    watching: Watching,
  ): Promise<Generation> {
    crashPoint('stage:before-intent');
    const begun = await this.rows.begin(owner, bytes);
    crashPoint('stage:intent-committed');
    return this.take(begun, owner, bytes, watching);
  }

  /** Takes a stream into a generation whose intent is recorded, behind what of it is durable. */
  async take(
    begun: BegunGeneration,
    owner: IncomingOwner,
    bytes: IncomingBytes,
    watching: Watching,
  ): Promise<Generation> {
    const { generation, reservation, quota } = begun;
    let granted = reservation.bytes;
    let { durable } = generation;
    const resumable = bytes.resumable && bytes.validator !== undefined;
    const persisting: Promise<unknown>[] = [];
    try {
      const result = await this.dataflow.pass({
        source: await this.#sourceOf(generation, bytes),
        digests: unique([...this.digests, ...watching.digests]),
        inspector: this.#inspector(),
        observers: watching.observers,
        maxSize: this.#maxSize(owner),
        expectedSize: bytes.size,
        signal: watching.signal,
        onProgress: (done) => {
          watching.onProgress(done, bytes.size);
        },
        onObserverError: watching.onObserverError,
        onDurable: (position) => {
          durable = position;
          if (resumable) persisting.push(this.rows.saveDurable(generation, position));
        },
        ...(bytes.flushes === undefined ? {} : { flushes: bytes.flushes }),
        grant: async (wanted) => {
          const { id } = reservation;
          const by = dataOwner(owner, generation.id);
          granted = await this.admission.grow({ id, owner: by, quota, current: granted }, wanted);
          return granted;
        },
      });
      await Promise.all(persisting);
      assertSafe(result.inspection);
      crashPoint('stage:bytes-durable');
      const ready = await this.rows.commitReady(begun, result, owner);
      crashPoint('stage:ready-committed');
      return ready;
    } catch (error) {
      await Promise.allSettled(persisting);
      const kept = bytes.outlives?.(error) ?? (resumable && durable > 0 && mayGoOn(error));
      if (kept) await this.rows.saveDurable(generation, durableAfter(error, durable));
      else await this.rows.release(generation);
      throw error;
    }
  }

  async #sourceOf(generation: Generation, bytes: IncomingBytes): Promise<PassSource> {
    const { idleTimeoutMs } = bytes;
    const { durable: prefix } = generation;
    const target = this.staging.pathOf(generation);
    if ('disk' in bytes) return { kind: 'disk', disk: bytes.disk, target, idleTimeoutMs };
    const stream = await bytes.open(prefix);
    return { kind: 'stream', stream, target, prefix, idleTimeoutMs };
  }

  /** Makes the next generation from a whole file of a task's workspace, by renaming it. */
  async adopt(owner: IncomingOwner, file: string, watching: Watching): Promise<Generation> {
    crashPoint('adopt:before-intent');
    const begun = await this.rows.beginFile(owner);
    const { generation } = begun;
    crashPoint('adopt:intent-committed');
    try {
      const result = await this.#read(file, watching);
      assertSafe(result.inspection);
      await this.dataflow.flush(file);
      await this.staging.moveIn(file, generation);
      crashPoint('adopt:renamed');
      await this.dataflow.flush(path.dirname(this.staging.pathOf(generation)));
      const ready = await this.rows.commitReady(begun, result, owner);
      crashPoint('adopt:ready-committed');
      return ready;
    } catch (error) {
      await this.rows.release(generation);
      throw error;
    }
  }

  /** Reads a ready generation again, for digests and observers that have not seen it. */
  async reread(
    generation: Generation,
    watching: Pick<Watching, 'observers' | 'signal' | 'onObserverError'> & {
      readonly digests: readonly string[];
    },
  ): Promise<PassResult> {
    const { inspection } = generation;
    if (inspection === null) throw notReady(generation);
    return this.dataflow.pass({
      source: { kind: 'file', path: this.staging.pathOf(generation) },
      digests: watching.digests,
      inspector: inspectedBefore(inspection),
      observers: watching.observers,
      maxSize: Number.MAX_SAFE_INTEGER,
      expectedSize: generation.size ?? undefined,
      signal: watching.signal,
      onObserverError: watching.onObserverError,
    });
  }

  async #read(file: string, watching: Watching): Promise<PassResult> {
    return this.dataflow.pass({
      source: { kind: 'file', path: file },
      digests: unique([...this.digests, ...watching.digests]),
      inspector: this.#inspector(),
      observers: watching.observers,
      maxSize: Number.MAX_SAFE_INTEGER,
      expectedSize: undefined,
      signal: watching.signal,
      onObserverError: watching.onObserverError,
      onProgress: (done) => {
        watching.onProgress(done, undefined);
      },
    });
  }

  /** What a task makes of an image may be as large as the disk in it. */
  #maxSize({ number }: IncomingOwner): number {
    const { maxSize, maxVirtualSize } = this.config;
    return number === 0 ? maxSize : Math.max(maxSize, maxVirtualSize);
  }

  #inspector(): StreamInspector {
    return createInspector({
      maxVirtualSize: this.config.maxVirtualSize,
      relaxedRules: new Set(this.config.relaxedRules),
    });
  }
}

/** Whether a later attempt can go on from where this one broke. */
function mayGoOn(error: unknown): boolean {
  return error instanceof TransientError || error instanceof CancelledError;
}

function durableAfter(error: unknown, known: number): number {
  const told = error instanceof StowageError ? error.details['durable'] : undefined;
  return typeof told === 'number' ? Math.max(told, known) : known;
}

/** Answers what is known already, so that reading again does not inspect again. */
function inspectedBefore(inspection: Inspection): StreamInspector {
  return { update: () => undefined, finish: () => inspection };
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
