import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import path from 'node:path';
import { inject, injectable } from 'inversify';
import { crashPoint } from '../../base/crash-point.js';
import {
  BugError,
  CancelledError,
  RejectedError,
  StowageError,
  TransientError,
} from '../../base/errors.js';
import type { ImagesConfig } from '../../config/config.js';
import { Dataflow } from '../../dataflow/pass.js';
import type { PassResult } from '../../dataflow/pass.js';
import { createInspector } from '../../format/inspector.js';
import type { Inspection, StreamInspector } from '../../format/inspection.js';
import type { ByteObserver } from '../../plugin/contract/task.js';
import { StagingArea, generationFile } from '../../staging/area.js';
import type { Generation } from '../../staging/generation.js';
import { Admission } from './admission.js';
import { Janitor } from './janitor.js';
import { Journal } from '../journal.js';
import type { JournalEntry } from '../journal.js';
import { Worker } from '../live.js';
import { ImagesConfigToken } from '../settings.js';

/** Whose bytes come in, and what is to happen in the transactions that begin and end it. */
export interface IncomingOwner {
  readonly imageId: string;
  readonly importId: string | null;
  readonly position: number | null;
  readonly number: number;
  /** Runs in the transaction that records the intent. */
  readonly onIntent?: (entry: JournalEntry) => Promise<void>;
  /** Runs in the transaction that makes the generation ready. */
  readonly onReady?: (entry: JournalEntry, generation: Generation) => Promise<void>;
}

export interface IncomingBytes {
  /** Bytes to come, where they are known. */
  readonly size: number | undefined;
  readonly validator: string | undefined;
  readonly resumable: boolean;
  readonly idleTimeoutMs: number;
  open(offset: number): Promise<Readable>;
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
    @inject(Journal) private readonly journal: Journal,
    @inject(Dataflow) private readonly dataflow: Dataflow,
    @inject(StagingArea) private readonly staging: StagingArea,
    @inject(Admission) private readonly admission: Admission,
    @inject(Janitor) private readonly janitor: Janitor,
    @inject(Worker) private readonly worker: Worker,
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
    const { generation, reservation } = await this.#begin(owner, bytes);
    crashPoint('stage:intent-committed');
    let granted = reservation.bytes;
    let { durable } = generation;
    const resumable = bytes.resumable && bytes.validator !== undefined;
    const persisting: Promise<unknown>[] = [];
    try {
      const result = await this.dataflow.pass({
        source: {
          kind: 'stream',
          stream: await bytes.open(generation.durable),
          target: this.staging.pathOf(generation),
          prefix: generation.durable,
          idleTimeoutMs: bytes.idleTimeoutMs,
        },
        digests: unique([...this.digests, ...watching.digests]),
        inspector: this.#inspector(),
        observers: watching.observers,
        maxSize: this.config.maxSize,
        expectedSize: bytes.size,
        signal: watching.signal,
        onProgress: (done) => {
          watching.onProgress(done, bytes.size);
        },
        onObserverError: watching.onObserverError,
        onDurable: (position) => {
          durable = position;
          if (resumable) persisting.push(this.#saveDurable(generation, position));
        },
        grant: async (wanted) => {
          granted = await this.admission.grow(reservation.id, granted, wanted);
          return granted;
        },
      });
      await Promise.all(persisting);
      assertSafe(result.inspection);
      crashPoint('stage:bytes-durable');
      const ready = await this.#commitReady(generation, reservation.id, result, owner.onReady);
      crashPoint('stage:ready-committed');
      return ready;
    } catch (error) {
      await Promise.allSettled(persisting);
      const kept = resumable && durable > 0 && mayGoOn(error);
      if (kept) await this.#saveDurable(generation, durableAfter(error, durable));
      else await this.#release(generation);
      throw error;
    }
  }

  /** Makes the next generation from a whole file of a task's workspace, by renaming it. */
  async adopt(owner: IncomingOwner, file: string, watching: Watching): Promise<Generation> {
    const generation = this.#newGeneration(owner, undefined);
    crashPoint('adopt:before-intent');
    const reservationId = randomUUID();
    await this.journal.write(async ({ tx, at }) => {
      await tx.insertGeneration({ ...generation, createdAt: at });
      await tx.insertReservation({
        id: reservationId,
        purpose: 'data',
        imageId: owner.imageId,
        importId: owner.importId,
        generationId: generation.id,
        bytes: 0,
      });
    });
    crashPoint('adopt:intent-committed');
    try {
      const result = await this.#read(file, watching);
      assertSafe(result.inspection);
      await this.dataflow.flush(file);
      await this.staging.moveIn(file, generation);
      crashPoint('adopt:renamed');
      await this.dataflow.flush(path.dirname(this.staging.pathOf(generation)));
      const ready = await this.#commitReady(generation, reservationId, result, owner.onReady);
      crashPoint('adopt:ready-committed');
      return ready;
    } catch (error) {
      await this.#release(generation);
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

  #inspector(): StreamInspector {
    return createInspector({
      maxVirtualSize: this.config.maxVirtualSize,
      relaxedRules: new Set(this.config.relaxedRules),
    });
  }

  async #begin(
    owner: IncomingOwner,
    bytes: IncomingBytes,
  ): Promise<{ generation: Generation; reservation: { id: string; bytes: number } }> {
    const earlier = await this.#earlier(owner);
    const resumed = earlier.find(
      ({ validator, durable }) =>
        bytes.resumable && durable > 0 && validator !== null && validator === bytes.validator,
    );
    const stale = earlier.filter((generation) => generation !== resumed);
    const begun = await this.journal.write(async (entry) => {
      const { tx, at } = entry;
      for (const { id } of stale) {
        await tx.updateGeneration(id, { state: ['writing', 'ready'] }, { state: 'releasing' });
      }
      if (resumed !== undefined) {
        const held = (await tx.reservations()).find((r) => r.generationId === resumed.id);
        if (held !== undefined) return { generation: resumed, reservation: held };
      }
      const generation = { ...this.#newGeneration(owner, bytes.validator), createdAt: at };
      await tx.insertGeneration(generation);
      const reservation = await this.admission.reserveData(
        tx,
        { imageId: owner.imageId, importId: owner.importId, generationId: generation.id },
        bytes.size,
      );
      await owner.onIntent?.(entry);
      return { generation, reservation };
    });
    if (stale.length > 0) this.janitor.wake();
    return begun;
  }

  /** What earlier attempts of the same task have left. */
  async #earlier({ importId, position }: IncomingOwner): Promise<readonly Generation[]> {
    if (importId === null) return [];
    const generations = await this.journal.read.generations({
      importId,
      states: ['writing', 'ready'],
    });
    return generations.filter((generation) => generation.position === position);
  }

  #newGeneration(owner: IncomingOwner, validator: string | undefined): Generation {
    const id = randomUUID();
    const { epoch } = this.worker;
    return {
      id,
      imageId: owner.imageId,
      importId: owner.importId,
      number: owner.number,
      position: owner.position,
      file: generationFile(id, epoch),
      state: 'writing',
      epoch,
      durable: 0,
      validator: validator ?? null,
      size: null,
      allocatedSize: null,
      digests: null,
      inspection: null,
      createdAt: new Date(0),
      readyAt: null,
    };
  }

  async #commitReady(
    generation: Generation,
    reservationId: string,
    result: PassResult,
    onReady: IncomingOwner['onReady'],
  ): Promise<Generation> {
    const { size, allocatedSize, digests, inspection } = result;
    return this.journal.write(async (entry) => {
      const { tx, at } = entry;
      const facts = { size, allocatedSize, digests, inspection, readyAt: at };
      const ready: Generation = { ...generation, ...facts, state: 'ready' };
      const done = await tx.updateGeneration(
        generation.id,
        { state: ['writing'] },
        { ...facts, state: 'ready' },
      );
      if (!done) throw notReady(generation);
      for (const [key, observation] of Object.entries(result.observations)) {
        await tx.saveObservation(generation.id, key, observation);
      }
      await tx.updateReservation(reservationId, allocatedSize);
      await onReady?.(entry, ready);
      return ready;
    });
  }

  #saveDurable(generation: Generation, durable: number): Promise<unknown> {
    return this.journal.write(({ tx }) =>
      tx.updateGeneration(generation.id, { state: ['writing'] }, { durable }),
    );
  }

  async #release(generation: Generation): Promise<void> {
    await this.journal.write(({ tx }) =>
      tx.updateGeneration(generation.id, { state: ['writing', 'ready'] }, { state: 'releasing' }),
    );
    this.janitor.wake();
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

/** @throws {RejectedError} with the name of the first broken safety rule as `details.rule` */
export function assertSafe(inspection: Inspection): void {
  const broken = inspection.findings.filter(({ severity }) => severity === 'unsafe');
  const [first] = broken;
  if (first === undefined) return;
  throw new RejectedError({
    code: 'UNSAFE_IMAGE',
    message: `The image breaks the safety rule "${first.rule}" at byte ${first.offset}: ${first.message}`,
    hint: first.hint,
    details: { rule: first.rule, format: inspection.format, findings: broken },
  });
}

/** Answers what is known already, so that reading again does not inspect again. */
function inspectedBefore(inspection: Inspection): StreamInspector {
  return { update: () => undefined, finish: () => inspection };
}

function notReady({ id }: Generation): BugError {
  return new BugError({
    code: 'GENERATION_NOT_READY',
    message: `Generation ${id} is not in the state that its maker expects`,
  });
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
