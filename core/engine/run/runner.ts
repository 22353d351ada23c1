import { inject, injectable } from 'inversify';
import { Clock } from '../../base/clock.js';
import { BugError, CapacityError } from '../../base/errors.js';
import { Plugins } from '../../plugin/plugins.js';
import type { TaskResult } from '../../plugin/contract/task.js';
import { StagingArea } from '../../staging/area.js';
import { Activation } from '../ending/activation.js';
import { Admission } from '../bytes/admission.js';
import { unmetCondition } from '../flow/condition.js';
import { Ending } from '../ending/ending.js';
import type { FlowTask, ImportRecord, TaskRecord } from '../import.js';
import { Journal } from '../journal.js';
import { Worker } from '../live.js';
import type { LiveImport, Parking } from '../live.js';
import { RetryPolicy } from './retry-policy.js';
import { Slots } from './slots.js';
import { taskStatesBefore } from '../states.js';
import { nameOf } from '../task-name.js';
import { TaskAttempt } from './task-attempt.js';
import { checkResult } from './task-result.js';
import type { Turn } from './turn.js';
import { currentGeneration, taskView } from '../flow/view.js';

/** Attempts that a restart may end before a task counts as the cause of the restarts. */
const MAX_INTERRUPTIONS = 10;

/**
 * Drives one import from whatever its rows say to a final state, or to where it has to wait. Keeps
 * nothing between two calls: after a crash the same rows lead to the same next step.
 */
@injectable()
export class ImportRunner {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Plugins) private readonly plugins: Plugins,
    @inject(TaskAttempt) private readonly attempt: TaskAttempt,
    @inject(Activation) private readonly activation: Activation,
    @inject(Ending) private readonly ending: Ending,
    @inject(Admission) private readonly admission: Admission,
    @inject(StagingArea) private readonly staging: StagingArea,
    @inject(Slots) private readonly slots: Slots,
    @inject(RetryPolicy) private readonly retryPolicy: RetryPolicy,
    @inject(Worker) private readonly worker: Worker,
    @inject(Clock) private readonly clock: Clock,
  ) {}

  /** Answers what the import waits for; `undefined` when it has reached a final state. */
  async run(live: LiveImport): Promise<Parking | undefined> {
    for (;;) {
      const record = await this.journal.read.import(live.id);
      if (record === undefined) return undefined;
      switch (record.state) {
        case 'pending':
          await this.#begin(record);
          break;
        case 'running': {
          const parking = await this.#step(live, record);
          if (parking !== undefined) return parking;
          break;
        }
        case 'reverting':
          await this.ending.finish(record);
          break;
        case 'succeeded':
        case 'failed':
        case 'cancelled':
        case 'revert_failed':
          this.admission.leaveQueue(live.id);
          return undefined;
      }
    }
  }

  async #begin(record: ImportRecord): Promise<void> {
    if (record.cancel !== null) {
      await this.ending.cancel(record);
      return;
    }
    const { epoch } = this.worker;
    await this.journal.write(async ({ tx, at, event }) => {
      const begun = await tx.updateImport(
        record.id,
        { state: ['pending'], epoch },
        { state: 'running', startedAt: at },
      );
      if (begun) await event(record.id, 'import.running');
    });
  }

  async #step(live: LiveImport, record: ImportRecord): Promise<Parking | undefined> {
    live.controller.signal.throwIfAborted();
    if (record.cancel !== null) {
      await this.ending.cancel(record);
      return undefined;
    }
    const tasks = await this.journal.read.tasks(record.id);
    const row = tasks.find(({ state }) => ['pending', 'waiting', 'running'].includes(state));
    if (row === undefined) {
      await this.activation.activate(record, tasks);
      return undefined;
    }
    try {
      const turn = await this.#turn(record, tasks, row);
      const skip = skipReason(turn) ?? (await this.#placedByAnother(turn));
      if (skip !== undefined) {
        await this.#skip(row, skip);
        return undefined;
      }
      return await this.#take(live, turn);
    } catch (error) {
      if (live.controller.signal.aborted) return this.#interrupted(live, error);
      return this.retryPolicy.failed(record, row, flowOf(record, row), error);
    }
  }

  /** The signal's reason says who interrupted; a shutdown leaves the rows for the next life. */
  async #interrupted(live: LiveImport, error: unknown): Promise<undefined> {
    const record = await this.journal.read.import(live.id);
    if (record?.cancel == null) throw error;
    await this.ending.cancel(record);
    return undefined;
  }

  async #turn(record: ImportRecord, tasks: readonly TaskRecord[], row: TaskRecord): Promise<Turn> {
    const flow = flowOf(record, row);
    const loaded = await this.plugins.task(flow);
    const image = await this.journal.read.imageEvenDeleted(record.imageId);
    if (image === undefined) {
      throw new BugError({
        code: 'IMAGE_GONE',
        message: `Import ${record.id} has no image ${record.imageId}`,
      });
    }
    const generations = await this.journal.read.generations({ importId: record.id });
    const generation = currentGeneration(generations, row.position);
    const observations =
      generation === undefined ? {} : await this.journal.read.observations(generation.id);
    const observation = observations[loaded.observerKey];
    const view = taskView(record, tasks, row, image, generation, observation);
    return { record, tasks, row, flow, loaded, view, generation };
  }

  /** A task before this one may have put the image into the store by itself, by a clone for example. */
  async #placedByAnother({ record, row, flow }: Turn): Promise<string | undefined> {
    if (flow.store === undefined || row.attempt > 0) return undefined;
    const placed = await this.journal.read.locations({
      importId: record.id,
      store: flow.store,
      states: ['placed'],
    });
    return placed.length === 0 ? undefined : `The image is in store "${flow.store}" already`;
  }

  async #skip(row: TaskRecord, reason: string): Promise<void> {
    await this.journal.write(async ({ tx, at, event }) => {
      const skipped = await tx.updateTask(
        row.importId,
        row.position,
        { state: taskStatesBefore('skipped') },
        { state: 'skipped', reason, finishedAt: at },
      );
      if (skipped) await event(row.importId, 'task.skipped', { ...nameOf(row), reason });
    });
  }

  /** Gives the task its turn, when there is a place and room for it. */
  async #take(live: LiveImport, turn: Turn): Promise<Parking | undefined> {
    const { row, flow, record } = turn;
    if (row.retryAt !== null && row.retryAt > this.clock.now()) {
      return { on: 'time', until: row.retryAt };
    }
    assertNotCrashing(row);
    const release = this.slots.take(flow.entry, flow.concurrency);
    if (release === undefined) {
      await this.#wait(row, `Waits for one of the ${flow.concurrency} places of "${flow.entry}"`);
      return { on: 'slot', entry: flow.entry };
    }
    try {
      const needed = turn.loaded.task.workspace?.(turn.view) ?? 0;
      if (needed > 0) {
        const verdict = await this.admission.requestWorkspace(record.imageId, record.id, needed);
        if (verdict.kind === 'never') throw neverFits(verdict.reason);
        if (verdict.kind === 'full') {
          await this.#wait(row, verdict.reason);
          return { on: 'staging' };
        }
      }
      const running = await this.#start(row);
      try {
        const result = await this.attempt.execute(live, { ...turn, row: running });
        await this.#succeed(turn, running, result);
      } finally {
        await this.staging.removeWorkspace(row.importId, row.position);
        if (needed > 0) await this.#giveBackWorkspace(row);
      }
      return undefined;
    } finally {
      release();
    }
  }

  async #wait(row: TaskRecord, reason: string): Promise<void> {
    if (row.state === 'waiting' && row.reason === reason) return;
    await this.journal.write(async ({ tx, event }) => {
      const waits = await tx.updateTask(
        row.importId,
        row.position,
        { state: taskStatesBefore('waiting') },
        { state: 'waiting', reason },
      );
      if (waits) await event(row.importId, 'task.waiting', { ...nameOf(row), reason });
    });
  }

  async #start(row: TaskRecord): Promise<TaskRecord> {
    const attempt = row.attempt + 1;
    return this.journal.write(async ({ tx, at, event }) => {
      const startedAt = row.startedAt ?? at;
      const change = { attempt, startedAt, reason: null, retryAt: null } as const;
      const started = await tx.updateTask(
        row.importId,
        row.position,
        { state: taskStatesBefore('running') },
        { ...change, state: 'running' },
      );
      if (!started) throw lostTask(row);
      await event(row.importId, 'task.running', { ...nameOf(row), attempt });
      return { ...row, ...change, state: 'running' };
    });
  }

  async #succeed({ record, loaded }: Turn, row: TaskRecord, result: TaskResult): Promise<void> {
    checkResult(this.plugins, loaded.manifest, result);
    const { epoch } = this.worker;
    await this.journal.write(async ({ tx, at, event }) => {
      const done = await tx.updateTask(
        row.importId,
        row.position,
        { state: taskStatesBefore('succeeded') },
        {
          state: 'succeeded',
          draft: result.draft ?? null,
          output: result.output ?? null,
          virtualSize: result.virtualSize ?? null,
          failure: null,
          finishedAt: at,
        },
      );
      if (!done) throw lostTask(row);
      for (const { store, url, metadata = {} } of result.locations ?? []) {
        await tx.insertLocation({
          id: `${row.importId}.${row.position}.${store}`,
          imageId: record.imageId,
          importId: record.id,
          store,
          objectName: `${record.imageId}/${record.id}.${epoch}.${row.position}`,
          url,
          state: 'placed',
          epoch,
          metadata,
          linkedGeneration: null,
          createdAt: at,
        });
      }
      await event(row.importId, 'task.succeeded', {
        ...nameOf(row),
        ...(result.output === undefined ? {} : { output: result.output }),
      });
    });
  }

  /** After its files are gone. */
  async #giveBackWorkspace(row: TaskRecord): Promise<void> {
    await this.journal.write(({ tx }) =>
      tx.deleteReservations({ importId: row.importId, purpose: 'workspace' }),
    );
    this.admission.released();
  }
}

/** Why the task does not run, by its flow, its condition, what the import holds, or its own word. */
function skipReason({ flow, loaded, view, record }: Turn): string | undefined {
  if (flow.skip !== undefined) return flow.skip;
  const unmet = unmetCondition(flow.when, {
    image: view.image,
    caller: view.caller,
    method: record.method,
    stores: view.store === undefined ? record.stores : [view.store],
    size: view.data?.size,
  });
  if (unmet !== undefined) return unmet;
  const needsData = flow.replacesData || flow.judgesData || flow.store !== undefined;
  if (record.data === 'none' && needsData) return 'The import holds no bytes';
  return loaded.task.skipReason?.(view);
}

function flowOf(record: ImportRecord, row: TaskRecord): FlowTask {
  const flow = record.flow[row.position];
  if (flow !== undefined) return flow;
  throw new BugError({
    code: 'FLOW_MISMATCH',
    message: `Import ${record.id} has a task ${row.position} that its flow does not know`,
  });
}

function assertNotCrashing(row: TaskRecord): void {
  const interruptions = row.attempt - row.retries;
  if (interruptions < MAX_INTERRUPTIONS) return;
  throw new BugError({
    code: 'TASK_INTERRUPTED',
    message: `Task "${row.entry}" was interrupted ${interruptions} times by the end of the server`,
    hint: 'Look in the log of the server for why it stopped; the task may be the cause',
  });
}

function neverFits(reason: string): CapacityError {
  return new CapacityError({
    code: 'STAGING_TOO_SMALL',
    message: reason,
    hint: 'Ask the operator to raise staging.capacity',
  });
}

function lostTask(row: TaskRecord): BugError {
  return new BugError({
    code: 'TASK_LOST',
    message: `Task "${row.entry}" of import ${row.importId} is not in the state it was read in`,
  });
}
