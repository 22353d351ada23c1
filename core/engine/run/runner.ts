import { inject, injectable } from 'inversify';
import { crashPoint } from '../../base/crash-point.js';
import { BugError, CapacityError } from '../../base/errors.js';
import { StagingArea } from '../../staging/area.js';
import { Activation } from '../ending/activation.js';
import { Admission } from '../bytes/admission.js';
import type { Asking } from '../bytes/admission.js';
import { needOf } from '../flow/need.js';
import { Ending } from '../ending/ending.js';
import type { ImportRecord, TaskRecord } from '../import.js';
import { Journal } from '../journal.js';
import { Worker } from '../live.js';
import type { LiveImport, Parking } from '../live.js';
import { Headway } from './headway.js';
import { Needs } from './needs.js';
import { OPEN_TASK_STATES } from '../states.js';
import { RetryPolicy } from './retry-policy.js';
import { Slots } from './slots.js';
import { StoreGroups } from './store-groups.js';
import type { TakeTurn, Turned } from './store-groups.js';
import { TaskAttempt } from './task-attempt.js';
import { TaskMoves } from './task-moves.js';
import { Turns, flowOf } from './turns.js';
import type { Turn } from './turns.js';

/** Attempts that a restart may end before a task counts as the cause of the restarts. */
const MAX_INTERRUPTIONS = 10;

/**
 * Drives one import from whatever its rows say to a final state, or to where it has to wait. Keeps
 * nothing between two calls: after a crash the same rows lead to the same next step. Within one, rows
 * that only this worker changes are not read again: whoever cancels meanwhile aborts the signal.
 */
@injectable()
export class ImportRunner {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Turns) private readonly turns: Turns,
    @inject(TaskMoves) private readonly moves: TaskMoves,
    @inject(TaskAttempt) private readonly attempt: TaskAttempt,
    @inject(Activation) private readonly activation: Activation,
    @inject(Ending) private readonly ending: Ending,
    @inject(Needs) private readonly needs: Needs,
    @inject(Admission) private readonly admission: Admission,
    @inject(StagingArea) private readonly staging: StagingArea,
    @inject(Slots) private readonly slots: Slots,
    @inject(StoreGroups) private readonly storeGroups: StoreGroups,
    @inject(RetryPolicy) private readonly retryPolicy: RetryPolicy,
    @inject(Headway) private readonly headway: Headway,
    @inject(Worker) private readonly worker: Worker,
  ) {}

  /** Answers what the import waits for; `undefined` when it has reached a final state. */
  async run(live: LiveImport): Promise<Parking | undefined> {
    let rows = await this.#rows(live.id);
    while (rows !== undefined) {
      const { record, tasks } = rows;
      switch (record.state) {
        case 'pending':
        case 'running': {
          const running = record.state === 'pending' ? await this.#begin(record) : record;
          const { parking, row } = running ? await this.#step(live, running, tasks) : {};
          if (parking !== undefined) return parking;
          rows =
            running === undefined || row === undefined
              ? await this.#rows(live.id)
              : { record: running, tasks: tasks.map((one) => (isSame(one, row) ? row : one)) };
          break;
        }
        case 'reverting':
          await this.ending.finish(record);
          rows = await this.#rows(live.id);
          break;
        case 'succeeded':
        case 'failed':
        case 'cancelled':
        case 'revert_failed':
          this.admission.ended(live.id);
          return undefined;
      }
    }
    return undefined;
  }

  async #rows(id: string): Promise<Rows | undefined> {
    const { read } = this.journal;
    const [record, tasks] = await Promise.all([read.import(id), read.tasks(id)]);
    return record && { record, tasks };
  }

  /** Answers the running import; `undefined` where it is to end, or has been changed meanwhile. */
  async #begin(record: ImportRecord): Promise<ImportRecord | undefined> {
    if (record.cancel !== null) {
      await this.ending.cancel(record);
      return undefined;
    }
    const { epoch } = this.worker;
    return this.journal.write(async ({ tx, at, event }) => {
      const running = { state: 'running', startedAt: at } as const;
      const begun = await tx.updateImport(record.id, { state: ['pending'], epoch }, running);
      if (!begun) return undefined;
      await event(record.id, 'import.running');
      return { ...record, ...running };
    });
  }

  async #step(
    live: LiveImport,
    record: ImportRecord,
    tasks: readonly TaskRecord[],
  ): Promise<Turned> {
    live.controller.signal.throwIfAborted();
    if (record.cancel !== null) {
      await this.ending.cancel(record);
      return {};
    }
    const row = tasks.find(({ state }) => OPEN_TASK_STATES.includes(state));
    if (row === undefined) {
      await this.activation.activate(record, tasks);
      return {};
    }
    const take: TakeTurn = (one, current) => this.#turn(one, record, tasks, current);
    const rows = await this.turns.together(record, tasks, row);
    if (rows.length === 1) return take(live, row);
    const parking = await this.storeGroups.run(live, rows, take);
    return parking === undefined ? {} : { parking };
  }

  async #turn(
    live: LiveImport,
    record: ImportRecord,
    tasks: readonly TaskRecord[],
    row: TaskRecord,
  ): Promise<Turned> {
    try {
      const turn = await this.turns.of(record, tasks, row);
      const skip = await this.turns.skipReason(turn);
      if (skip === undefined) return await this.#take(live, turn);
      await this.moves.skip(row, skip);
      return {};
    } catch (error) {
      if (live.controller.signal.aborted) return this.#interrupted(live, error);
      const parking = await this.retryPolicy.failed(record, row, flowOf(record, row), error);
      return parking === undefined ? {} : { parking };
    }
  }

  /** The signal's reason says who interrupted; a shutdown leaves the rows for the next life. */
  async #interrupted(live: LiveImport, error: unknown): Promise<Turned> {
    const record = await this.journal.read.import(live.id);
    if (record?.cancel == null) throw error;
    await this.ending.cancel(record);
    return {};
  }

  /** Gives the task its turn, when there is a place and room for it. */
  async #take(live: LiveImport, turn: Turn): Promise<Turned> {
    const { row, flow } = turn;
    const until = this.retryPolicy.waitsUntil(row, flow);
    if (until !== undefined) return { parking: { on: 'time', until } };
    await this.#assertNotCrashing(row);
    const { record, view } = turn;
    const work = await this.needs.work(record.flow.slice(row.position), view);
    const verdict = await this.admission.admit(asking(turn), work);
    if (verdict.kind === 'never') throw neverFits(verdict.reason);
    if (verdict.kind === 'full') {
      await this.moves.wait(row, verdict.reason);
      return { parking: { on: 'staging' } };
    }
    const release = this.slots.take(flow.entry, flow.concurrency, record.id);
    if (release === undefined) {
      const reason = `Waits for one of the ${flow.concurrency} places of "${flow.entry}"`;
      await this.moves.wait(row, reason);
      return { parking: { on: 'slot', entry: flow.entry } };
    }
    try {
      return { row: await this.#execute(live, turn, needOf(work.slice(1))) };
    } finally {
      release();
    }
  }

  /** A task that came further between the restarts is not their cause. */
  async #assertNotCrashing(task: TaskRecord): Promise<void> {
    if (interruptions(task) < MAX_INTERRUPTIONS) return;
    const counted = interruptions((await this.headway.count(task)).row);
    if (counted < MAX_INTERRUPTIONS) return;
    throw new BugError({
      code: 'TASK_INTERRUPTED',
      message: `Task "${task.entry}" was interrupted ${counted} times by the end of the server`,
      hint: 'Look in the log of the server for why it stopped; the task may be the cause',
    });
  }

  /**
   * `later` is what the tasks behind it need of what the import holds. Tasks that run beside others
   * leave it whole: it goes with the import. Answers the row of the success.
   */
  async #execute(live: LiveImport, turn: Turn, later: number): Promise<TaskRecord> {
    const { importId, position } = turn.row;
    const isAlone = turn.flow.store === undefined;
    const running = await this.moves.start(turn.row);
    let succeeded: TaskRecord;
    try {
      const outcome = await this.attempt.execute(live, { ...turn, row: running });
      // What is reserved for its files goes with the success, so the files go before.
      await this.staging.removeWorkspace(importId, position);
      crashPoint('task:before-success');
      succeeded = await this.moves.succeed(turn, running, outcome, isAlone ? later : undefined);
      crashPoint('task:success-committed');
    } catch (error) {
      await this.staging.removeWorkspace(importId, position);
      if (isAlone) await this.admission.giveBack(importId);
      throw error;
    }
    this.admission.shrunk(importId);
    return succeeded;
  }
}

/** What a step goes by; the next one goes by it too, where this one knows what it has changed. */
interface Rows {
  readonly record: ImportRecord;
  readonly tasks: readonly TaskRecord[];
}

function isSame(one: TaskRecord, other: TaskRecord): boolean {
  return one.position === other.position;
}

function asking({ record, generation }: Turn): Asking {
  return {
    importId: record.id,
    imageId: record.imageId,
    generationId: generation?.id,
    isUnderWay: (generation?.number ?? 0) > 0,
  };
}

/** Attempts that no failure has ended. */
function interruptions({ attempt, countedFrom, retries }: TaskRecord): number {
  return attempt - countedFrom - retries;
}

function neverFits(reason: string): CapacityError {
  return new CapacityError({
    code: 'STAGING_TOO_SMALL',
    message: reason,
    hint: 'Ask the operator to raise staging.capacity',
  });
}
