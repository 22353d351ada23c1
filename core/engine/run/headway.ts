import { inject, injectable } from 'inversify';
import type { TaskRecord } from '../import.js';
import { Journal } from '../journal.js';
import { OPEN_TASK_STATES } from '../states.js';

/**
 * Bytes by which what is durable has to grow for the attempts to be counted anew: a source that brings a
 * few bytes at a time must not hold its share of staging for ever.
 */
const MIN_HEADWAY = 1024 * 1024;

export interface Counted {
  readonly row: TaskRecord;
  /** The newest attempt has brought it further. */
  readonly isFurther: boolean;
}

/** Tells attempts that have brought an import further from those that have not. */
@injectable()
export class Headway {
  constructor(@inject(Journal) private readonly journal: Journal) {}

  /**
   * The task's row as it is now. Where the bytes of its result have come further than ever, the count
   * of its attempts begins anew behind the newest one.
   */
  async count(task: TaskRecord): Promise<Counted> {
    const { importId, position } = task;
    return this.journal.write(async ({ tx }) => {
      const row = (await tx.tasks(importId)).find((one) => one.position === position) ?? task;
      const generations = await tx.generations({ importId, states: ['writing'] });
      const durable = generations.find((made) => made.position === position)?.durable ?? 0;
      if (durable < row.reached + MIN_HEADWAY) return { row, isFurther: false };
      const anew = { reached: durable, countedFrom: row.attempt, retries: 0 };
      await tx.updateTask(importId, position, { state: OPEN_TASK_STATES }, anew);
      return { row: { ...row, ...anew }, isFurther: true };
    });
  }
}
