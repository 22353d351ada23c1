import { EventEmitter, on } from 'node:events';
import type { EventHub } from '../event-hub.js';
import type { Reader } from '../ports.js';
import type { ImportUpdate } from '../service.js';
import { isFinal } from '../states.js';

/** Events that are read at once. */
const PAGE = 500;

const FINAL_EVENTS: readonly string[] = [
  'import.succeeded',
  'import.failed',
  'import.cancelled',
  'import.revert_failed',
];

/**
 * First what the database has, then what is committed meanwhile, without gap or repetition: it
 * listens before it reads, and numbers tell what was seen.
 */
export async function* followImport(
  read: Reader,
  hub: EventHub,
  importId: string,
  afterSequence: number,
  signal: AbortSignal,
): AsyncGenerator<ImportUpdate> {
  const emitter = new EventEmitter();
  const updates = on(emitter, 'update', { signal });
  const unsubscribe = hub.subscribe(importId, (update) => emitter.emit('update', update));
  try {
    let seen = afterSequence;
    for (;;) {
      const page = await read.events(importId, seen, PAGE);
      for (const event of page) {
        seen = event.sequence;
        yield { kind: 'event', event };
        if (endsImport(event.type, page.at(-1)?.sequence === seen)) return;
      }
      if (page.length < PAGE) break;
    }
    const record = await read.import(importId);
    if (record === undefined || isFinal(record.state)) {
      const rest = await read.events(importId, seen, PAGE);
      for (const event of rest) yield { kind: 'event', event };
      return;
    }
    for await (const [update] of updates as AsyncIterable<[ImportUpdate]>) {
      if (update.kind === 'event') {
        if (update.event.sequence <= seen) continue;
        seen = update.event.sequence;
      }
      yield update;
      if (update.kind === 'event' && endsImport(update.event.type, true)) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    unsubscribe();
  }
}

/** A failed revert that is tried again goes on behind its final event. */
function endsImport(type: string, isNewest: boolean): boolean {
  return isNewest && FINAL_EVENTS.includes(type);
}
