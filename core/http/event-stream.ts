import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { InvalidInputError } from '../base/errors.js';
import type { ImportRecord } from '../engine/import.js';
import type { Reader } from '../engine/ports.js';
import type { Imports, ImportUpdate } from '../engine/service.js';
import type { HttpContext } from './context.js';
import { presentTaskProgress } from './presenters/progress.js';

/** Milliseconds between comments that keep proxies from closing a quiet stream. */
const KEEP_ALIVE_MS = 15_000;
/** Milliseconds after which a client connects again. */
const RECONNECT_MS = 1_000;

/**
 * Answers with the events of an import as they happen (HTML, 9.2 Server-sent events). Durable events
 * carry their number as `id`, so that a client goes on with `Last-Event-ID` where it was; progress
 * has none. Ends after the event of the final state. A client that has seen that one already gets
 * 204, which tells a browser not to come again.
 */
export async function streamEvents(
  ctx: HttpContext,
  options: {
    readonly imports: Imports;
    readonly read: Reader;
    readonly record: ImportRecord;
    readonly stopping: AbortSignal;
  },
): Promise<void> {
  const { imports, read, record, stopping } = options;
  const after = lastEventId(ctx);
  if (record.finishedAt !== null && (await read.events(record.id, after, 1)).length === 0) {
    ctx.status = 204;
    return;
  }
  const { res } = ctx;
  const gone = new AbortController();
  res.once('close', () => {
    gone.abort();
  });
  const signal = AbortSignal.any([gone.signal, stopping]);

  ctx.respond = false;
  ctx.status = 200;
  ctx.set('Content-Type', 'text/event-stream; charset=utf-8');
  ctx.set('Cache-Control', 'no-cache, no-transform');
  ctx.set('X-Accel-Buffering', 'no');
  res.flushHeaders();
  res.write(`retry: ${RECONNECT_MS}\n\n`);
  const keepAlive = setInterval(() => {
    if (!res.writableNeedDrain) res.write(': keep-alive\n\n');
  }, KEEP_ALIVE_MS);
  try {
    for await (const update of imports.follow(record.id, after, signal)) {
      await write(res, frame(update), signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(keepAlive);
    res.end();
  }
}

function frame(update: ImportUpdate): string {
  if (update.kind === 'progress') {
    return `event: progress\ndata: ${JSON.stringify(presentTaskProgress(update.progress))}\n\n`;
  }
  const { sequence, at, type, data } = update.event;
  const body = JSON.stringify({ sequence, at: at.toISOString(), type, ...data });
  return `id: ${sequence}\nevent: ${type}\ndata: ${body}\n\n`;
}

/** Waits for a slow client, so that what it has not read does not gather in memory. */
async function write(res: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (res.destroyed || res.write(text)) return;
  await once(res, 'drain', { signal });
}

function lastEventId(ctx: HttpContext): number {
  const text = ctx.get('Last-Event-ID').trim();
  if (text === '') return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidInputError({
    code: 'EVENT_ID_INVALID',
    message: `"${text.slice(0, 40)}" is not the number of an event`,
    hint: 'Send the last "id" that the stream has given',
  });
}
