import { inject, injectable } from 'inversify';
import { Clock } from '../../base/clock.js';
import { EventHub } from '../event-hub.js';
import type { TaskRecord } from '../import.js';
import { Journal } from '../journal.js';
import type { TaskProgress } from '../service.js';

/** Milliseconds between two updates for followers, and between two writes to the row. */
const PUBLISH_INTERVAL = 200;
const PERSIST_INTERVAL = 2_000;
/** Milliseconds over which a rate is smoothed. */
const RATE_WINDOW = 5_000;

interface Entry {
  progress: TaskProgress;
  publishedAt: number;
  persistedAt: number;
  rateSince: number;
  rateFrom: number;
  persisting: Promise<unknown>;
}

/** The latest progress of the tasks that run: in memory, passed on and written at intervals. */
@injectable()
export class ProgressBoard {
  readonly #entries = new Map<string, Map<number, Entry>>();

  constructor(
    @inject(Journal) private readonly journal: Journal,
    @inject(EventHub) private readonly hub: EventHub,
    @inject(Clock) private readonly clock: Clock,
  ) {}

  of(importId: string): readonly TaskProgress[] {
    return [...(this.#entries.get(importId)?.values() ?? [])].map(({ progress }) => progress);
  }

  /** Begins to follow a task; `end` must be called whatever comes of it. */
  begin(task: Pick<TaskRecord, 'importId' | 'position' | 'entry' | 'store'>): TaskMeter {
    const now = this.clock.now().getTime();
    const { importId, position } = task;
    const entry: Entry = {
      progress: {
        position,
        entry: task.entry,
        store: task.store,
        done: 0,
        total: null,
        rate: null,
      },
      publishedAt: 0,
      persistedAt: now,
      rateSince: now,
      rateFrom: 0,
      persisting: Promise.resolve(),
    };
    const entries = this.#entries.get(importId) ?? new Map<number, Entry>();
    this.#entries.set(importId, entries.set(position, entry));
    return {
      update: (done, total) => {
        this.#update(importId, entry, done, total ?? null);
      },
      end: async () => {
        entries.delete(position);
        if (entries.size === 0) this.#entries.delete(importId);
        await entry.persisting;
        return entry.progress;
      },
    };
  }

  #update(importId: string, entry: Entry, done: number, total: number | null): void {
    const now = this.clock.now().getTime();
    const elapsed = now - entry.rateSince;
    const rate =
      elapsed > 0 ? Math.max(0, ((done - entry.rateFrom) * 1000) / elapsed) : entry.progress.rate;
    entry.progress = { ...entry.progress, done, total: total ?? entry.progress.total, rate };
    if (elapsed > RATE_WINDOW) {
      entry.rateSince = now;
      entry.rateFrom = done;
    }
    if (now - entry.publishedAt >= PUBLISH_INTERVAL) {
      entry.publishedAt = now;
      this.hub.publish(importId, { kind: 'progress', progress: entry.progress });
    }
    if (now - entry.persistedAt >= PERSIST_INTERVAL) {
      entry.persistedAt = now;
      entry.persisting = this.#persist(importId, entry.progress);
      // The failure reaches the task when it ends; until then it must not count as unhandled.
      entry.persisting.catch(() => undefined);
    }
  }

  #persist(importId: string, { position, done, total }: TaskProgress): Promise<unknown> {
    return this.journal.write(({ tx }) =>
      tx.updateTask(
        importId,
        position,
        { state: ['running'] },
        { progressDone: done, progressTotal: total },
      ),
    );
  }
}

export interface TaskMeter {
  update(done: number, total?: number): void;
  /** Stops and answers the last progress. @throws what writing it has thrown */
  end(): Promise<TaskProgress>;
}
