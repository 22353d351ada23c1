import { inject, injectable } from 'inversify';
import { BugError, CancelledError, ConflictError, NotFoundError } from '../../base/errors.js';
import type { Caller } from '../../auth/caller.js';
import { Admission } from '../bytes/admission.js';
import { EventHub } from '../event-hub.js';
import { STAGED_METHOD, UPLOAD_METHOD } from '../flow/flow.js';
import { followImport } from './follow.js';
import { ImportPlanner } from './planner.js';
import type { ImportRecord } from '../import.js';
import { Intake } from './intake.js';
import { Journal } from '../journal.js';
import { Worker } from '../live.js';
import { ProgressBoard } from '../run/progress.js';
import { Scheduler } from '../run/scheduler.js';
import type { ImportPlan, ImportRequest, ImportUpdate, Imports, TaskProgress } from '../service.js';
import { isFinal } from '../states.js';

/** The engine's front: starts, stops, repeats and follows imports. */
@injectable()
export class ImportService implements Imports {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Intake) private readonly intake: Intake,
    @inject(ImportPlanner) private readonly planner: ImportPlanner,
    @inject(Scheduler) private readonly scheduler: Scheduler,
    @inject(Admission) private readonly admission: Admission,
    @inject(ProgressBoard) private readonly board: ProgressBoard,
    @inject(EventHub) private readonly hub: EventHub,
    @inject(Worker) private readonly worker: Worker,
  ) {}

  async start(request: ImportRequest): Promise<ImportRecord> {
    this.intake.assertRequestable(request.method);
    return this.register(request);
  }

  async register(request: ImportRequest): Promise<ImportRecord> {
    const record = await this.intake.begin(request);
    this.scheduler.wake();
    return record;
  }

  async plan(request: ImportRequest): Promise<ImportPlan> {
    this.intake.assertRequestable(request.method);
    return this.planner.plan(request, this.admission.capacity);
  }

  async cancel(importId: string): Promise<void> {
    const asked = await this.journal.write(async ({ tx, event }) => {
      const recorded = await tx.requestCancel(importId, 'user');
      if (recorded) await event(importId, 'import.cancel_requested');
      return recorded;
    });
    if (!asked) {
      const record = await this.#get(importId);
      if (record.state === 'reverting' && record.cancel !== null) return;
      throw notCancellable(record);
    }
    this.scheduler.interrupt(importId, cancelled());
  }

  async retry(importId: string, caller: Caller): Promise<ImportRecord> {
    const record = await this.#get(importId);
    switch (record.state) {
      case 'failed':
      case 'cancelled':
        return this.start({
          imageId: record.imageId,
          ...(await this.#methodAgain(record)),
          stores: record.stores,
          allStoresMustSucceed: record.allStoresMustSucceed,
          ...(record.expectedDigest === null ? {} : { checksum: record.expectedDigest }),
          caller,
        });
      case 'revert_failed':
        return this.#revertAgain(record);
      case 'pending':
      case 'running':
      case 'reverting':
      case 'succeeded':
        throw new ConflictError({
          code: 'IMPORT_NOT_FAILED',
          message: `Import ${importId} is "${record.state}": only one that has failed can be retried`,
          hint: 'Wait for its end, or begin another import',
        });
    }
  }

  /** The bytes of an upload cannot be asked for again, but those that were kept can be imported. */
  async #methodAgain({
    imageId,
    method,
    params,
  }: ImportRecord): Promise<Pick<ImportRequest, 'method' | 'params'>> {
    if (method !== UPLOAD_METHOD) return { method, params };
    const image = await this.journal.read.image(imageId);
    if (image?.status === 'uploading') return { method: STAGED_METHOD, params: {} };
    throw new ConflictError({
      code: 'BYTES_GONE',
      message: `The bytes of image ${imageId} came with a request that is over`,
      hint: 'Send them again with PUT …/file',
    });
  }

  async #revertAgain(record: ImportRecord): Promise<ImportRecord> {
    const { epoch } = this.worker;
    await this.journal.write(async ({ tx, event }) => {
      const begun = await tx.updateImport(
        record.id,
        { state: ['revert_failed'] },
        { state: 'reverting', epoch },
      );
      if (begun) await event(record.id, 'import.reverting');
    });
    this.scheduler.wake();
    return this.#get(record.id);
  }

  follow(
    importId: string,
    afterSequence: number,
    signal: AbortSignal,
  ): AsyncIterable<ImportUpdate> {
    return followImport(this.journal.read, this.hub, importId, afterSequence, signal);
  }

  async finished(importId: string, signal: AbortSignal): Promise<ImportRecord> {
    await drain(this.follow(importId, 0, signal));
    signal.throwIfAborted();
    const record = await this.#get(importId);
    if (isFinal(record.state)) return record;
    throw new BugError({
      code: 'FOLLOW_ENDED',
      message: `Import ${importId} is "${record.state}" and its events ended`,
    });
  }

  progress(importId: string): readonly TaskProgress[] {
    return this.board.of(importId);
  }

  async #get(importId: string): Promise<ImportRecord> {
    const record = await this.journal.read.import(importId);
    if (record !== undefined) return record;
    throw new NotFoundError({
      code: 'IMPORT_NOT_FOUND',
      message: `No import ${importId}`,
      hint: 'List the imports to see which there are',
    });
  }
}

async function drain(updates: AsyncIterable<ImportUpdate>): Promise<void> {
  const iterator = updates[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}

/** What has begun to end for a reason of its own ends for that reason. */
function notCancellable({ id, state, failure }: ImportRecord): ConflictError {
  if (state !== 'reverting') {
    return new ConflictError({
      code: 'IMPORT_FINISHED',
      message: `Import ${id} is "${state}" already and cannot be cancelled`,
      hint: 'Delete the image if it is not wanted any more',
    });
  }
  return new ConflictError({
    code: 'IMPORT_REVERTING',
    message: `Import ${id} has failed and is being undone: ${failure?.message ?? 'a task failed'}`,
    hint: 'Wait for its end; nothing of it goes on',
  });
}

function cancelled(): CancelledError {
  return new CancelledError({
    code: 'IMPORT_CANCELLED',
    message: 'The import was cancelled by a user',
  });
}
