import { setTimeout as delay } from 'node:timers/promises';
import { StowageError } from '../base/errors.js';
import type { ApiClient } from './client.js';
import { readEvents } from './event-stream.js';
import type { ServerEvent } from './event-stream.js';
import { FINAL_STATES, ImportResource, ProgressEvent } from './wire.js';

/** Broken connections in a row, without an event between them, that are borne. */
const MAX_BREAKS = 5;
const BREAK_DELAY_MS = 500;

export interface FollowListener {
  /** The import as it is now: at first, after each state change, and with each progress. */
  changed(current: ImportResource): void;
  /** Each event as the server has sent it. */
  event?(event: ServerEvent): void;
}

/**
 * Follows an import to its final state, over broken connections.
 * @throws {TransientError} `SERVER_UNREACHABLE` when the server stays away; the signal's reason
 */
export async function followImport(
  client: ApiClient,
  importId: string,
  listener: FollowListener,
  signal: AbortSignal,
): Promise<ImportResource> {
  const path = `/stowage/v1/imports/${encodeURIComponent(importId)}`;
  const show = (): Promise<ImportResource> => client.json(ImportResource, path, { signal });
  let lastId: string | undefined;
  let breaks = 0;
  for (;;) {
    try {
      let current = await show();
      listener.changed(current);
      if (FINAL_STATES.includes(current.state)) return current;
      const headers = {
        accept: 'text/event-stream',
        ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
      };
      const stream = await client.stream(`${path}/events`, { headers, signal });
      for await (const event of readEvents(stream)) {
        breaks = 0;
        lastId = event.id ?? lastId;
        listener.event?.(event);
        current = event.type === 'progress' ? withProgress(current, event.data) : await show();
        listener.changed(current);
      }
      // The server ends the stream after the last event, and when it stops.
    } catch (error) {
      signal.throwIfAborted();
      if (isAnswer(error)) throw error;
      breaks += 1;
      if (breaks >= MAX_BREAKS) throw error;
    }
    await delay(BREAK_DELAY_MS * breaks, undefined, { signal });
  }
}

/** The server has spoken, so asking again cannot help. */
function isAnswer(error: unknown): boolean {
  return error instanceof StowageError && error.class !== 'transient';
}

function withProgress(current: ImportResource, data: string): ImportResource {
  const parsed = ProgressEvent.safeParse(JSON.parse(data));
  if (!parsed.success) return current;
  const { position, done, total, percent, rate, eta_seconds } = parsed.data;
  const progress = { done, total, percent, rate, eta_seconds };
  return {
    ...current,
    tasks: current.tasks.map((task) => (task.position === position ? { ...task, progress } : task)),
  };
}
