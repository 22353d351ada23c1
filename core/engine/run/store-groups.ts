import { inject, injectable } from 'inversify';
import { Clock } from '../../base/clock.js';
import { CancelledError } from '../../base/errors.js';
import { Dataflow } from '../../dataflow/pass.js';
import type { SharedSeat } from '../../dataflow/pass.js';
import { StagingArea } from '../../staging/area.js';
import { currentGeneration } from '../flow/view.js';
import type { TaskRecord } from '../import.js';
import { Journal } from '../journal.js';
import type { LiveImport, Parking } from '../live.js';
import { OPEN_TASK_STATES } from '../states.js';

/** What has come of a task's turn: what it waits for, or the row of its success. */
export interface Turned {
  readonly parking?: Parking;
  readonly row?: TaskRecord;
}

/** Gives one task its turn. */
export type TakeTurn = (live: LiveImport, row: TaskRecord) => Promise<Turned>;

/**
 * Runs the tasks of one entry for all of its stores together, so that their bytes are read once.
 * Each fails, waits and is tried again alone; when one fails for all, the others are stopped.
 */
@injectable()
export class StoreGroups {
  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(Dataflow) private readonly dataflow: Dataflow,
    @inject(StagingArea) private readonly staging: StagingArea,
    @inject(Clock) private readonly clock: Clock,
  ) {}

  /** Answers what those stores wait for that are left, when none of them is at work. */
  async run(
    live: LiveImport,
    rows: readonly TaskRecord[],
    take: TakeTurn,
  ): Promise<Parking | undefined> {
    const { signal } = live.controller;
    const group = new Group(rows.length);
    const stop = (): void => {
      group.controller.abort(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      const seats = await this.#seats(rows);
      const members = rows.map((row, index) => this.#member(group, live, row, take, seats[index]));
      const results = await Promise.allSettled(members);
      if (group.hasFailed) return undefined;
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return together(results.map((r) => (r.status === 'fulfilled' ? r.value : undefined)));
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #seats(rows: readonly TaskRecord[]): Promise<readonly SharedSeat[]> {
    const [first] = rows;
    if (first === undefined) return [];
    const { importId, position } = first;
    const generation = currentGeneration(
      await this.journal.read.generations({ importId }),
      position,
    );
    if (generation === undefined) return [];
    return this.dataflow.shareFile(this.staging.pathOf(generation), rows.length);
  }

  /** Turn after turn of one store, as long as another one is at work. */
  async #member(
    group: Group,
    live: LiveImport,
    row: TaskRecord,
    take: TakeTurn,
    seat: SharedSeat | undefined,
  ): Promise<Parking | undefined> {
    const { controller } = group;
    const member = { ...live, controller, ...(seat === undefined ? {} : { seat }) };
    for (let current = row; ;) {
      const { parking } = await take(member, current).finally(() => {
        seat?.leave();
        group.leave();
      });
      if (!(await this.#isRunning(row.importId))) group.fail();
      if (parking?.on !== 'time') return parking;
      const ms = Math.max(0, parking.until.getTime() - this.clock.now().getTime());
      await this.clock.sleep(ms, group.over).catch(() => undefined);
      if (group.over.aborted) return parking;
      const next = await this.#reread(row);
      if (next === undefined) return undefined;
      group.enter();
      current = next;
    }
  }

  async #isRunning(importId: string): Promise<boolean> {
    return (await this.journal.read.import(importId))?.state === 'running';
  }

  async #reread({ importId, position }: TaskRecord): Promise<TaskRecord | undefined> {
    const tasks = await this.journal.read.tasks(importId);
    return tasks.find((row) => row.position === position && OPEN_TASK_STATES.includes(row.state));
  }
}

/** Who of a group is at work, and whether it is to go on. */
class Group {
  /** Aborted with the import, and when one store has failed for all. */
  readonly controller = new AbortController();
  readonly #quiet = new AbortController();
  /** For those that wait: nobody is at work any more, or nobody may be. */
  readonly over = AbortSignal.any([this.controller.signal, this.#quiet.signal]);
  hasFailed = false;

  constructor(private atWork: number) {}

  enter(): void {
    this.atWork += 1;
  }

  leave(): void {
    this.atWork -= 1;
    if (this.atWork === 0) this.#quiet.abort();
  }

  fail(): void {
    this.hasFailed = true;
    this.controller.abort(
      new CancelledError({ code: 'IMPORT_FAILED', message: 'Another store of the import failed' }),
    );
  }
}

/** A place in the entry is what all need; otherwise the first to be tried again counts. */
function together(parkings: readonly (Parking | undefined)[]): Parking | undefined {
  const waiting = parkings.filter((parking) => parking !== undefined);
  if (waiting.length < parkings.length) return undefined;
  const [first] = waiting.toSorted((a, b) => dueAt(a) - dueAt(b));
  return first;
}

function dueAt(parking: Parking): number {
  return parking.on === 'time' ? parking.until.getTime() : 0;
}
