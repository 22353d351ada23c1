import { inject, injectable } from 'inversify';
import { Clock } from '../base/clock.js';
import type { JsonObject } from '../base/json.js';
import { EventHub } from './event-hub.js';
import type { ImportEvent } from './import.js';
import { Database } from './ports.js';
import type { Transaction } from './ports.js';

/** One transaction with its time and the way to record events in it. */
export interface JournalEntry {
  readonly tx: Transaction;
  readonly at: Date;
  readonly event: (importId: string, type: string, data?: JsonObject) => Promise<void>;
}

/** The only way in which the engine writes: events are committed with the change that they tell of. */
@injectable()
export class Journal {
  constructor(
    @inject(Database) private readonly database: Database,
    @inject(Clock) private readonly clock: Clock,
    @inject(EventHub) private readonly hub: EventHub,
  ) {}

  get read(): Database['read'] {
    return this.database.read;
  }

  isTold(type: string): boolean {
    return this.database.isTold(type);
  }

  /** Commits what `work` does, then tells the followers. */
  async write<T>(work: (entry: JournalEntry) => Promise<T>): Promise<T> {
    const events: ImportEvent[] = [];
    const result = await this.database.write((tx) => {
      const at = this.clock.now();
      return work({
        tx,
        at,
        event: async (importId, type, data = {}) => {
          events.push(await tx.appendEvent(importId, at, type, data));
        },
      });
    });
    for (const event of events) this.hub.publish(event.importId, { kind: 'event', event });
    return result;
  }
}
