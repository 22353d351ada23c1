import { inject, injectable } from 'inversify';
import { crashPoint } from '../../base/crash-point.js';
import type { Failure } from '../../base/errors.js';
import { describeFailure } from '../../base/errors.js';
import type { ImageStatus } from '../../image/image.js';
import { StagingArea } from '../../staging/area.js';
import type { Generation } from '../../staging/generation.js';
import { Logger } from '../../telemetry/logger.js';
import { Admission } from '../bytes/admission.js';
import { UPLOAD_METHOD } from '../flow/flow.js';
import type { ImportFailure, ImportRecord, ImportState, TaskRecord } from '../import.js';
import { Janitor } from '../bytes/janitor.js';
import { Journal } from '../journal.js';
import type { JournalEntry } from '../journal.js';
import { Worker } from '../live.js';
import { Reverting } from './reverting.js';
import { importStatesBefore, taskStatesBefore } from '../states.js';
import { nameOf } from '../task-name.js';

/**
 * Ends an import that does not succeed: `running → reverting → failed / cancelled / revert_failed`.
 * The image goes back to where it was, the bytes that the client has sent are kept unless a rule has
 * refused them, and everything else is marked for removal, all in one transaction.
 */
@injectable()
export class Ending {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Reverting) private readonly reverting: Reverting,
    @inject(Janitor) private readonly janitor: Janitor,
    @inject(Admission) private readonly admission: Admission,
    @inject(StagingArea) private readonly staging: StagingArea,
    @inject(Worker) private readonly worker: Worker,
    @inject(Logger) private readonly log: Logger,
  ) {}

  /** A task has failed for good. One store of several may, where the request allows it. */
  async fail(
    record: ImportRecord,
    row: TaskRecord,
    failure: Failure,
    error?: unknown,
  ): Promise<void> {
    const tolerated = row.store !== null && !record.allStoresMustSucceed;
    const hasFailed = await this.journal.write(async (entry) => {
      const { tx, at, event } = entry;
      const failed = await tx.updateTask(
        record.id,
        row.position,
        { state: ['pending', 'waiting', 'running'] },
        { state: 'failed', failure, reason: null, finishedAt: at },
      );
      if (!failed) return false;
      await event(record.id, 'task.failed', { ...nameOf(row), failure });
      if (tolerated) return true;
      const { store } = row;
      await this.#beginReverting(entry, record, {
        ...failure,
        task: row.entry,
        ...(store === null ? {} : { store }),
      });
      return true;
    });
    // The import may have ended by another store's failure.
    if (!hasFailed) return;
    this.log.warn('A task failed', {
      import_id: record.id,
      image_id: record.imageId,
      ...nameOf(row),
      attempt: row.attempt,
      failure,
      ...(failure.class === 'bug' && error instanceof Error ? { stack: error.stack ?? '' } : {}),
    });
  }

  /** Nothing to blame on a task: no store was left, or activation was not possible. */
  async failWhole(record: ImportRecord, failure: ImportFailure): Promise<void> {
    await this.journal.write((entry) => this.#beginReverting(entry, record, failure));
  }

  /** A user asked for it, or the image was deleted. */
  async cancel(record: ImportRecord): Promise<void> {
    await this.failWhole(record, cancelFailure(record.cancel ?? 'user'));
  }

  /** A cancel that was accepted before names the end; none is accepted from here on. */
  async #beginReverting(
    { tx, at, event }: JournalEntry,
    record: ImportRecord,
    cause: ImportFailure,
  ): Promise<void> {
    const { epoch } = this.worker;
    const cancel = (await tx.import(record.id))?.cancel ?? null;
    const failure = cancel === null ? cause : cancelFailure(cancel);
    const begun = await tx.updateImport(
      record.id,
      { state: importStatesBefore('reverting'), epoch },
      { state: 'reverting', failure },
    );
    if (!begun) return;
    for (const task of await tx.tasks(record.id)) {
      await tx.updateTask(
        record.id,
        task.position,
        { state: taskStatesBefore('cancelled') },
        { state: 'cancelled', finishedAt: at, retryAt: null },
      );
    }
    await event(record.id, 'import.reverting', { failure });
  }

  /** Reverts the tasks of an import that is `reverting`, then ends it. */
  async finish(record: ImportRecord): Promise<void> {
    this.admission.ended(record.id);
    const allReverted = await this.reverting.revert(record);
    await this.staging.removeWorkspaces(record.id);
    const state: ImportState = !allReverted
      ? 'revert_failed'
      : record.cancel === null
        ? 'failed'
        : 'cancelled';
    crashPoint('end:before-commit');
    await this.journal.write(async ({ tx, at, event }) => {
      const { epoch } = this.worker;
      const ended = await tx.updateImport(
        record.id,
        { state: ['reverting'], epoch },
        { state, finishedAt: at },
      );
      if (!ended) return;
      for (const location of await tx.locations({ importId: record.id })) {
        await tx.updateLocation(
          location.id,
          { state: ['pending', 'placed'] },
          { state: 'deleting' },
        );
      }
      const kept = keptGeneration(record, await tx.generations({ importId: record.id }));
      const back: ImageStatus = kept === undefined ? 'queued' : 'uploading';
      const returned = await tx.updateImage(
        record.imageId,
        { status: ['importing', 'saving'] },
        kept === undefined ? { status: back } : { status: back, size: kept.size },
        at,
      );
      for (const generation of await tx.generations({ importId: record.id })) {
        if (generation.id === kept?.id && returned) {
          await tx.assignGeneration(generation.id, null);
        } else {
          await tx.updateGeneration(
            generation.id,
            { state: ['writing', 'ready'] },
            { state: 'releasing' },
          );
        }
      }
      await tx.deleteReservations({ importId: record.id, purpose: 'workspace' });
      await event(record.id, `import.${state}`, {
        ...(record.failure === null ? {} : { failure: record.failure }),
        ...(returned ? { image_status: back } : {}),
      });
    });
    crashPoint('end:committed');
    this.janitor.wake();
    this.admission.released();
  }

  /** A defect while driving the import must not leave it live for ever. */
  async failBecauseOfBug(importId: string, error: unknown): Promise<void> {
    const record = await this.journal.read.import(importId);
    if (record !== undefined) await this.failWhole(record, describeFailure(error));
  }
}

function cancelFailure(cancel: 'user' | 'deleted'): Failure {
  const deleted = cancel === 'deleted';
  return {
    class: 'cancelled',
    code: deleted ? 'IMAGE_DELETED' : 'IMPORT_CANCELLED',
    message: deleted ? 'The image was deleted' : 'The import was cancelled by a user',
  };
}

/**
 * The bytes that the client need not send again: those that it was told to be safe with, unless a
 * rule has refused them or the image is gone.
 */
function keptGeneration(
  record: ImportRecord,
  generations: readonly Generation[],
): Generation | undefined {
  if (record.cancel === 'deleted' || record.failure?.class === 'rejected') return undefined;
  const acknowledged =
    record.method === UPLOAD_METHOD && record.params['acknowledged_when_staged'] === true;
  return generations.find(
    ({ number, state, position }) =>
      number === 0 && state === 'ready' && (position === null || acknowledged),
  );
}
