import { inject, injectable } from 'inversify';
import { crashPoint } from '../../base/crash-point.js';
import { BugError, StowageError, describeFailure } from '../../base/errors.js';
import type { CapacityError, RejectedError } from '../../base/errors.js';
import type { ImagesConfig } from '../../config/config.js';
import type { Generation } from '../../staging/generation.js';
import type { Location } from '../../store/location.js';
import { Admission } from '../bytes/admission.js';
import { mergedDraft, withPatch, withoutUserPatched } from '../flow/draft.js';
import { Ending } from './ending.js';
import type { ImportRecord, TaskRecord } from '../import.js';
import { assertSafe, unfit } from '../bytes/safety.js';
import { Janitor } from '../bytes/janitor.js';
import { Quotas, isQuotaExceeded } from '../bytes/quotas.js';
import { Journal } from '../journal.js';
import type { JournalEntry } from '../journal.js';
import { Worker } from '../live.js';
import type { ImageChange } from '../ports.js';
import { currentGeneration } from '../flow/view.js';
import { ImagesConfigToken } from '../settings.js';

/** What the import has made. */
interface Holdings {
  readonly locations: readonly Location[];
  readonly generations: readonly Generation[];
}

/**
 * The one transaction that makes an image `active`: draft, sizes, digests, locations, import and
 * generations together, over committed locations only.
 */
@injectable()
export class Activation {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Ending) private readonly ending: Ending,
    @inject(Janitor) private readonly janitor: Janitor,
    @inject(Admission) private readonly admission: Admission,
    @inject(Quotas) private readonly quotas: Quotas,
    @inject(Worker) private readonly worker: Worker,
    @inject(ImagesConfigToken) private readonly config: ImagesConfig,
  ) {}

  /** Activates an import whose tasks are all over; ends it otherwise where that is not possible. */
  async activate(record: ImportRecord, tasks: readonly TaskRecord[]): Promise<void> {
    crashPoint('activate:before-commit');
    const quota = await this.quotas.ofImage(record.imageId);
    const judged = async (entry: JournalEntry) => {
      const { tx } = entry;
      const current = await tx.import(record.id);
      if (current?.cancel != null) return 'cancelled';
      const locations = await tx.locations({ importId: record.id, states: ['placed'] });
      if (locations.length === 0) return 'nowhere';
      const generations = await tx.generations({ importId: record.id });
      const refusal = await this.#refusal(entry, record, tasks, generations);
      if (refusal !== undefined) return refusal;
      await this.#commit(entry, current ?? record, tasks, { locations, generations });
      return 'active';
    };
    const outcome = await this.journal
      .write((entry) => quota.hold(entry.tx, () => judged(entry)))
      .catch(overQuota);
    if (outcome instanceof StowageError) {
      await this.ending.failWhole(record, describeFailure(outcome));
      return;
    }
    switch (outcome) {
      case 'active':
        crashPoint('activate:committed');
        this.janitor.wake();
        this.admission.ended(record.id);
        return;
      case 'cancelled': {
        const cancelled = await this.journal.read.import(record.id);
        await this.ending.cancel(cancelled ?? record);
        return;
      }
      case 'nowhere':
        await this.ending.failWhole(record, nowhere(tasks));
    }
  }

  /** What the bytes are now is held against what the image says when it is to become active. */
  async #refusal(
    { tx }: JournalEntry,
    { imageId, data }: ImportRecord,
    tasks: readonly TaskRecord[],
    generations: readonly Generation[],
  ): Promise<RejectedError | undefined> {
    const image = await tx.image(imageId);
    const inspection = currentGeneration(generations, Number.MAX_SAFE_INTEGER)?.inspection;
    if (data === 'existing' || image === undefined || inspection == null) return undefined;
    return unfit(inspection, withPatch(image, mergedDraft(tasks)), this.config.relaxedRules);
  }

  async #commit(
    { tx, at, event }: JournalEntry,
    record: ImportRecord,
    tasks: readonly TaskRecord[],
    { locations, generations }: Holdings,
  ): Promise<void> {
    const { epoch } = this.worker;
    const last = currentGeneration(generations, Number.MAX_SAFE_INTEGER);
    if (last?.inspection != null) assertSafe(last.inspection);
    const activated =
      record.data === 'existing'
        ? await tx.updateImage(record.imageId, { status: ['active', 'deactivated'] }, {}, at)
        : await tx.updateImage(
            record.imageId,
            { status: ['importing', 'saving'] },
            { ...this.#imageChange(record, tasks, last), status: 'active' },
            at,
          );
    const ended = await tx.updateImport(
      record.id,
      { state: ['running'], epoch },
      { state: 'succeeded', finishedAt: at },
    );
    if (!activated || !ended) {
      throw new BugError({
        code: 'ACTIVATION_LOST',
        message: `Image ${record.imageId} or import ${record.id} is not in the state for activation`,
      });
    }
    for (const { id } of locations) {
      await tx.updateLocation(id, { state: ['placed'] }, { state: 'active' });
    }
    for (const { id } of generations) {
      await tx.updateGeneration(id, { state: ['writing', 'ready'] }, { state: 'releasing' });
    }
    await tx.deleteReservations({ importId: record.id, purpose: 'workspace' });
    await event(record.id, 'import.succeeded', {
      stores: locations.map(({ store }) => store),
    });
  }

  #imageChange(
    record: ImportRecord,
    tasks: readonly TaskRecord[],
    data: Generation | undefined,
  ): ImageChange {
    const done = tasks.filter(({ state }) => state === 'succeeded');
    const answered = (member: 'size' | 'virtualSize') =>
      done.findLast((task) => task[member] !== null)?.[member] ?? null;
    const algorithm = this.config.hashAlgorithm;
    const hash = data?.digests?.[algorithm] ?? null;
    return {
      ...withoutUserPatched(mergedDraft(tasks), record.userPatched),
      size: data?.size ?? answered('size'),
      virtualSize: answered('virtualSize'),
      checksum: data?.digests?.['md5'] ?? null,
      osHashAlgo: hash === null ? null : algorithm,
      osHashValue: hash,
    };
  }
}

/** Bytes that went through nobody's hands here are counted with their activation. */
function overQuota(error: unknown): CapacityError {
  if (isQuotaExceeded(error)) return error;
  throw error;
}

/** Why no store has the image: the first store's reason. */
function nowhere(tasks: readonly TaskRecord[]): ReturnType<typeof describeFailure> {
  const failed = tasks.find(({ store, failure }) => store !== null && failure !== null);
  if (failed?.failure != null) return failed.failure;
  return {
    class: 'permanent',
    code: 'NO_LOCATION',
    message: 'No task has put the image into a store',
    hint: 'Ask the operator: the pipeline of this import ends without the store task',
  };
}
