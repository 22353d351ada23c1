import { inject, injectable } from 'inversify';
import { backoffDelay } from '../../base/backoff.js';
import { Clock } from '../../base/clock.js';
import { TransientError, describeFailure } from '../../base/errors.js';
import type { Failure } from '../../base/errors.js';
import { Shortfalls } from '../bytes/shortfalls.js';
import { Ending } from '../ending/ending.js';
import type { FlowTask, ImportRecord, TaskRecord } from '../import.js';
import { Journal } from '../journal.js';
import type { Parking } from '../live.js';
import { taskStatesBefore } from '../states.js';
import { UPLOAD_METHOD } from '../flow/flow.js';
import { nameOf } from '../task-name.js';
import { Headway } from './headway.js';

/** Failures that pass by themselves when others are done. */
const PASSING_CODES: readonly string[] = ['STAGING_FULL', 'STORE_FULL', 'STAGING_DISK_FULL'];

/** Milliseconds that a task may ask to be left alone, whatever the backoff. */
const LONGEST_ASKED = 3_600_000;

/** Decides what becomes of a task that has failed: another attempt, or the end of the import. */
@injectable()
export class RetryPolicy {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Headway) private readonly headway: Headway,
    @inject(Ending) private readonly ending: Ending,
    @inject(Shortfalls) private readonly shortfalls: Shortfalls,
    @inject(Clock) private readonly clock: Clock,
  ) {}

  /**
   * When the task is to be tried again; `undefined` when that is now. A time that is further away than
   * any wait can be was written by a clock that has been put back since: it has come.
   */
  waitsUntil({ retryAt }: TaskRecord, { retry }: FlowTask): Date | undefined {
    if (retryAt === null) return undefined;
    const ms = retryAt.getTime() - this.clock.now().getTime();
    const isToCome = ms > 0 && ms <= Math.max(retry.maxBackoffMs, LONGEST_ASKED);
    return isToCome ? retryAt : undefined;
  }

  async failed(
    record: ImportRecord,
    row: TaskRecord,
    flow: FlowTask,
    error: unknown,
  ): Promise<Parking | undefined> {
    const failure = describeFailure(error);
    if (await this.#mayWaitForRoom(record, failure)) return this.#waitForRoom(row, failure);
    const { attempts } = flow.retry;
    // The next attempt waits for room for what this one has come to need, so that this one does not count.
    const isShort = this.shortfalls.take(record.id) && failure.code === 'STAGING_FULL';
    const retries = isShort ? row.retries : await this.#retries(row, failure, flow);
    if (retries >= attempts) {
      await this.ending.fail(record, row, failure, error);
      return undefined;
    }
    const asked = error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0;
    const delay = Math.max(Math.min(asked, LONGEST_ASKED), backoffDelay(retries, flow.retry));
    const until = new Date(this.clock.now().getTime() + delay);
    const counted =
      retries === 0 ? 'Broken off after progress' : `Attempt ${retries} of ${attempts} failed`;
    const failed = isShort ? 'Broken off for want of room' : counted;
    const reason = `${failed}, the next is at ${until.toISOString()}: ${failure.message}`;
    await this.journal.write(async ({ tx, event }) => {
      const waits = await tx.updateTask(
        row.importId,
        row.position,
        { state: ['pending', 'waiting', 'running'] },
        { state: 'waiting', retries, retryAt: until, failure, reason },
      );
      if (waits) await event(record.id, 'task.waiting', { ...nameOf(row), reason, failure });
    });
    return { on: 'time', until };
  }

  /**
   * Attempts in a row that have failed without progress, with the one that has just ended; all that there
   * may be where another could do no better.
   */
  async #retries(row: TaskRecord, failure: Failure, { retry }: FlowTask): Promise<number> {
    if (!passes(failure)) return retry.attempts;
    const counted = await this.headway.count(row);
    return counted.isFurther ? 0 : counted.row.retries + 1;
  }

  /**
   * An import that was refused before its first byte stands in nobody's way: it waits for room as
   * long as it takes. Not while a client waits for the answer.
   */
  async #mayWaitForRoom({ id, method }: ImportRecord, { code }: Failure): Promise<boolean> {
    if (code !== 'STAGING_FULL' || method === UPLOAD_METHOD) return false;
    return (await this.journal.read.generations({ importId: id })).length === 0;
  }

  /** The attempt does not count: nothing has been tried. */
  async #waitForRoom(row: TaskRecord, { message }: Failure): Promise<Parking> {
    const { importId, position, attempt } = row;
    await this.journal.write(async ({ tx, event }) => {
      const waits = await tx.updateTask(
        importId,
        position,
        { state: taskStatesBefore('waiting') },
        { state: 'waiting', attempt, reason: message },
      );
      if (waits) await event(importId, 'task.waiting', { ...nameOf(row), reason: message });
    });
    return { on: 'staging' };
  }
}

function passes({ class: errorClass, code }: Failure): boolean {
  return errorClass === 'transient' || (errorClass === 'capacity' && PASSING_CODES.includes(code));
}
