import { inject, injectable } from 'inversify';
import { BugError } from '../../base/errors.js';
import { Plugins } from '../../plugin/plugins.js';
import type { TaskRecord } from '../import.js';
import { Admission } from '../bytes/admission.js';
import { Journal } from '../journal.js';
import { Worker } from '../live.js';
import { taskStatesBefore } from '../states.js';
import { nameOf } from '../task-name.js';
import type { TaskOutcome } from './task-attempt.js';
import { checkResult } from './task-result.js';
import type { Turn } from './turns.js';

/** The moves of a task that is not over, each with its event in one transaction. */
@injectable()
export class TaskMoves {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Plugins) private readonly plugins: Plugins,
    @inject(Admission) private readonly admission: Admission,
    @inject(Worker) private readonly worker: Worker,
  ) {}

  async skip(row: TaskRecord, reason: string): Promise<void> {
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

  async wait(row: TaskRecord, reason: string): Promise<void> {
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

  async start(row: TaskRecord): Promise<TaskRecord> {
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

  /**
   * Answers the row of the success. `needed` is what the tasks behind it need of the workspace that the
   * import holds; all of it by default.
   */
  async succeed(
    { record, loaded }: Turn,
    row: TaskRecord,
    { result, progress }: TaskOutcome,
    needed: number | undefined,
  ): Promise<TaskRecord> {
    checkResult(this.plugins, loaded.manifest, result);
    const { epoch } = this.worker;
    return this.journal.write(async ({ tx, at, event }) => {
      const change = {
        state: 'succeeded',
        draft: result.draft ?? null,
        output: result.output ?? null,
        virtualSize: result.virtualSize ?? null,
        size: result.size ?? null,
        ...(progress.done === 0
          ? {}
          : { progressDone: progress.done, progressTotal: progress.total }),
        failure: null,
        finishedAt: at,
      } as const;
      const done = await tx.updateTask(
        row.importId,
        row.position,
        { state: taskStatesBefore('succeeded') },
        change,
      );
      if (!done) throw lostTask(row);
      if (needed !== undefined) await this.admission.leave(tx, row.importId, needed);
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
      return { ...row, ...change };
    });
  }
}

function lostTask(row: TaskRecord): BugError {
  return new BugError({
    code: 'TASK_LOST',
    message: `Task "${row.entry}" of import ${row.importId} is not in the state it was read in`,
  });
}
