import { randomUUID } from 'node:crypto';
import { inject, injectable } from 'inversify';
import { BugError } from '../../base/errors.js';
import type { PassResult } from '../../dataflow/pass.js';
import type { DataView } from '../../plugin/contract/view.js';
import { newGeneration } from '../../staging/generation.js';
import type { Generation, ResumableUpload } from '../../staging/generation.js';
import { Admission } from './admission.js';
import { DataAdmission } from './data-admission.js';
import type { DataOwner } from './data-admission.js';
import { Janitor } from './janitor.js';
import { Quotas } from './quotas.js';
import type { Quota } from './quotas.js';
import { dataView } from '../flow/view.js';
import { Journal } from '../journal.js';
import type { JournalEntry } from '../journal.js';
import { Worker } from '../live.js';

/** Whose bytes come in, and what is to happen in the transactions that begin and end it. */
export interface IncomingOwner {
  readonly imageId: string;
  readonly importId: string | null;
  readonly position: number | null;
  readonly number: number;
  /** Bytes that an import needs beside the data at most, now that they are known. */
  readonly need?: (data: DataView) => Promise<number>;
  /** Runs in the transaction that records the intent. */
  readonly onIntent?: (entry: JournalEntry) => Promise<void>;
  /** Runs in the transaction that makes the generation ready. */
  readonly onReady?: (entry: JournalEntry, generation: Generation) => Promise<void>;
}

/** What the source of the bytes says of them before they come. */
export interface ExpectedBytes {
  /** Bytes to come, where they are known. */
  readonly size: number | undefined;
  /** What is reserved grows with the bytes that are not zeros. */
  readonly sparse: boolean;
  readonly validator: string | undefined;
  readonly resumable: boolean;
  /** The client sends them over several requests. */
  readonly upload?: Pick<ResumableUpload, 'length' | 'metadata'>;
}

/** A generation whose bytes are coming, with what is reserved for them. */
export interface BegunGeneration {
  readonly generation: Generation;
  readonly reservation: { readonly id: string; readonly bytes: number };
  /** Its bytes were written into the workspace that its import holds. */
  readonly isFromWorkspace: boolean;
  /** Of its project, asked for before the bytes: who says it may be away when they are there. */
  readonly quota: Quota;
}

/** The rows of generations in the making, with their entries in the ledger. */
@injectable()
export class GenerationRows {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Admission) private readonly admission: Admission,
    @inject(DataAdmission) private readonly data: DataAdmission,
    @inject(Quotas) private readonly quotas: Quotas,
    @inject(Janitor) private readonly janitor: Janitor,
    @inject(Worker) private readonly worker: Worker,
  ) {}

  /**
   * Records the intent: a new generation, or the one that an earlier attempt of the same task has
   * begun and that the source can go on with. What else earlier attempts have left is dropped.
   * @throws {CapacityError} `STAGING_FULL` · `STAGING_TOO_SMALL` · `QUOTA_EXCEEDED`
   */
  async begin(owner: IncomingOwner, bytes: ExpectedBytes): Promise<BegunGeneration> {
    const earlier = await this.#earlier(owner);
    const resumed = earlier.find(
      ({ state, validator, durable }) =>
        state === 'writing' &&
        durable > 0 &&
        bytes.resumable &&
        validator !== null &&
        validator === bytes.validator,
    );
    const stale = earlier.filter((generation) => generation !== resumed);
    const quota = await this.quotas.ofImage(owner.imageId);
    const record = async (entry: JournalEntry): Promise<BegunGeneration> => {
      const { tx, at } = entry;
      for (const { id } of stale) {
        await tx.updateGeneration(id, { state: ['writing', 'ready'] }, { state: 'releasing' });
      }
      if (resumed !== undefined) {
        const held = (await tx.reservations()).find((r) => r.generationId === resumed.id);
        if (held !== undefined)
          return { generation: resumed, reservation: held, isFromWorkspace: false, quota };
      }
      const generation = {
        ...this.#new(owner, at),
        validator: bytes.validator ?? null,
        upload: bytes.upload === undefined ? null : { ...bytes.upload, touchedAt: at },
      };
      await tx.insertGeneration(generation);
      const reservation = await this.data.reserve(tx, dataOwner(owner, generation.id), {
        size: bytes.sparse ? undefined : bytes.size,
        isLimited: quota.isLimited,
      });
      await owner.onIntent?.(entry);
      return { generation, reservation, isFromWorkspace: false, quota };
    };
    const begun = await this.journal.write((entry) => quota.hold(entry.tx, () => record(entry)));
    if (stale.length > 0) this.janitor.wake();
    return begun;
  }

  /** As {@link begin} for a file that is there: the ledger has it as workspace until it is moved. */
  async beginFile(owner: IncomingOwner): Promise<BegunGeneration> {
    const quota = await this.quotas.ofImage(owner.imageId);
    return this.journal.write(async ({ tx, at }) => {
      const generation = this.#new(owner, at);
      const { id, imageId, importId } = generation;
      await tx.insertGeneration(generation);
      const held = { id: randomUUID(), purpose: 'data', bytes: 0, need: null } as const;
      await tx.insertReservation({ ...held, imageId, importId, generationId: id });
      return { generation, reservation: held, isFromWorkspace: true, quota };
    });
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

  #new(owner: IncomingOwner, createdAt: Date): Generation {
    return newGeneration(randomUUID(), owner, { epoch: this.worker.epoch, createdAt });
  }

  /**
   * Its bytes are durable and safe: from here on it may be read.
   * @throws {CapacityError} `QUOTA_EXCEEDED`, for bytes whose number nobody knew before
   */
  async commitReady(
    { generation, reservation, isFromWorkspace, quota }: BegunGeneration,
    result: PassResult,
    owner: IncomingOwner,
  ): Promise<Generation> {
    const { size, allocatedSize, digests, inspection } = result;
    const need = (await owner.need?.(dataView(readyOf(generation, result)))) ?? 0;
    const commit = async (entry: JournalEntry): Promise<Generation> => {
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
      const by = dataOwner(owner, generation.id);
      await this.data.settle(tx, reservation.id, by, { bytes: allocatedSize, need });
      if (isFromWorkspace) await this.admission.carve(tx, owner.importId, allocatedSize);
      await owner.onReady?.(entry, ready);
      return ready;
    };
    return this.journal.write((entry) => quota.hold(entry.tx, () => commit(entry)));
  }

  /** Bytes of it that a later attempt need not ask for again. */
  saveDurable(generation: Generation, durable: number): Promise<unknown> {
    return this.journal.write(({ tx }) =>
      tx.updateGeneration(generation.id, { state: ['writing'] }, { durable }),
    );
  }

  /** As {@link saveDurable} for an upload whose client was heard of; `false` where it is gone. */
  touch({ id }: Generation, durable: number): Promise<boolean> {
    return this.journal.write(({ tx, at }) =>
      tx.updateGeneration(id, { state: ['writing'] }, { durable, touchedAt: at }),
    );
  }

  /** A generation in the making with its entry in the ledger; `undefined` where it is none. */
  async find(id: string): Promise<BegunGeneration | undefined> {
    const generation = await this.journal.read.generation(id);
    const reservations = await this.journal.read.reservations();
    const reservation = reservations.find(({ generationId }) => generationId === id);
    if (generation?.state !== 'writing' || reservation === undefined) return undefined;
    const quota = await this.quotas.ofImage(generation.imageId);
    return { generation, reservation, isFromWorkspace: false, quota };
  }

  /** Nothing comes of it. */
  async release(generation: Generation): Promise<void> {
    await this.journal.write(({ tx }) =>
      tx.updateGeneration(generation.id, { state: ['writing', 'ready'] }, { state: 'releasing' }),
    );
    this.janitor.wake();
  }
}

function readyOf(generation: Generation, result: PassResult): Generation {
  const { size, allocatedSize, digests, inspection } = result;
  return { ...generation, size, allocatedSize, digests, inspection };
}

/** As the ledger knows the owner of a generation. */
export function dataOwner(
  { imageId, importId, number }: IncomingOwner,
  generationId: string,
): DataOwner {
  return { imageId, importId, generationId, isUnderWay: number > 0 };
}

export function notReady({ id }: Generation): BugError {
  return new BugError({
    code: 'GENERATION_NOT_READY',
    message: `Generation ${id} is not in the state that its maker expects`,
  });
}
