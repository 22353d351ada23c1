import { inject, injectable } from 'inversify';
import type { ImportsConfig } from '../../config/config.js';
import { crashPoint } from '../../base/crash-point.js';
import { BugError, PermanentError, describeFailure } from '../../base/errors.js';
import { Plugins } from '../../plugin/plugins.js';
import type { LoadedTask } from '../../plugin/plugins.js';
import { Logger } from '../../telemetry/logger.js';
import { mergedDraft, withPatch } from '../flow/draft.js';
import type { ImportRecord, TaskRecord, TaskState } from '../import.js';
import { Journal } from '../journal.js';
import { taskStatesBefore } from '../states.js';
import { nameOf } from '../task-name.js';
import { requestView } from '../flow/view.js';
import { ImportsConfigToken } from '../settings.js';

/** The states of a task that may have had effects outside. */
const MAY_HAVE_EFFECTS: readonly TaskState[] = [
  'succeeded',
  'failed',
  'cancelled',
  'reverting',
  'revert_failed',
];

/** Undoes what the tasks of an import have done outside, last task first. */
@injectable()
export class Reverting {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Plugins) private readonly plugins: Plugins,
    @inject(ImportsConfigToken) private readonly config: ImportsConfig,
    @inject(Logger) private readonly log: Logger,
  ) {}

  /** Answers whether everything is undone; goes on behind a revert that fails. */
  async revert(record: ImportRecord): Promise<boolean> {
    const tasks = await this.journal.read.tasks(record.id);
    let allReverted = true;
    for (const row of tasks.toReversed()) {
      if (row.attempt === 0 || !MAY_HAVE_EFFECTS.includes(row.state)) continue;
      const reverted = await this.#revertTask(record, tasks, row);
      allReverted &&= reverted;
    }
    return allReverted;
  }

  async #revertTask(
    record: ImportRecord,
    tasks: readonly TaskRecord[],
    row: TaskRecord,
  ): Promise<boolean> {
    try {
      const loaded = await this.#load(record, row);
      if (loaded.task.revert === undefined) return true;
      await this.#move(row, 'reverting');
      await this.#callRevert(record, tasks, row, loaded);
      crashPoint('revert:undone');
      await this.#move(row, 'reverted');
      return true;
    } catch (error) {
      const failure = describeFailure(error);
      this.log.error('A task could not be reverted', {
        import_id: record.id,
        ...nameOf(row),
        failure,
      });
      await this.journal.write(async ({ tx, event }) => {
        const states = taskStatesBefore('reverting');
        await tx.updateTask(
          row.importId,
          row.position,
          { state: [...states, 'reverting'] },
          { state: 'revert_failed', failure },
        );
        await event(row.importId, 'task.revert_failed', { ...nameOf(row), failure });
      });
      return false;
    }
  }

  async #load(record: ImportRecord, row: TaskRecord): Promise<LoadedTask> {
    const flow = record.flow[row.position];
    if (flow !== undefined) return this.plugins.task(flow);
    throw new BugError({ code: 'FLOW_MISMATCH', message: `No task ${row.position} in the flow` });
  }

  async #callRevert(
    record: ImportRecord,
    tasks: readonly TaskRecord[],
    row: TaskRecord,
    { task }: LoadedTask,
  ): Promise<void> {
    const image = await this.journal.read.imageEvenDeleted(record.imageId);
    if (image === undefined) {
      throw new BugError({ code: 'IMAGE_GONE', message: `No image ${record.imageId}` });
    }
    const deadline = new AbortController();
    const { promise, reject } = withReject();
    const timer = setTimeout(() => {
      const error = new PermanentError({
        code: 'REVERT_TIMEOUT',
        message: `Task "${row.entry}" could not be reverted within ${this.config.revertTimeoutMs} ms`,
        hint: 'Retry the import to revert again, or undo the effect by hand',
      });
      deadline.abort(error);
      reject(error);
    }, this.config.revertTimeoutMs);
    const context = {
      importId: record.id,
      image: withPatch(image, mergedDraft(tasks.slice(0, row.position))),
      request: requestView(record),
      caller: record.caller,
      store: row.store ?? undefined,
      output: row.output ?? undefined,
      checkpoint: row.checkpoint ?? undefined,
      signal: deadline.signal,
      log: this.log.child({ import_id: record.id, task: row.entry }),
    };
    try {
      await Promise.race([task.revert?.(context), promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #move(row: TaskRecord, state: 'reverting' | 'reverted'): Promise<void> {
    await this.journal.write(async ({ tx, event }) => {
      const moved = await tx.updateTask(
        row.importId,
        row.position,
        { state: taskStatesBefore(state) },
        { state },
      );
      if (moved) await event(row.importId, `task.${state}`, nameOf(row));
    });
  }
}

function withReject(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  return { promise, reject };
}
