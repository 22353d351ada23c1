import type { Readable } from 'node:stream';

/** One event of a `text/event-stream` (WHATWG HTML, section 9.2). */
export interface ServerEvent {
  /** `undefined` for events that are not numbered. */
  readonly id: string | undefined;
  readonly type: string;
  readonly data: string;
}

/** Reads events until the stream ends; an event that was broken off is dropped, as the standard says. */
export async function* readEvents(stream: Readable): AsyncGenerator<ServerEvent> {
  let rest = '';
  let lines: string[] = [];
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const parts = (rest + (chunk as string)).split(/\r\n|\n|\r(?!$)/);
    rest = parts.pop() ?? '';
    for (const line of parts) {
      if (line !== '') {
        lines.push(line);
        continue;
      }
      const event = parseEvent(lines);
      lines = [];
      if (event !== undefined) yield event;
    }
  }
}

function parseEvent(lines: readonly string[]): ServerEvent | undefined {
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon === 0) continue; // a comment, sent to keep the connection open
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  const data = fields.get('data');
  if (data === undefined) return undefined;
  return {
    id: fields.get('id')?.at(-1),
    type: fields.get('event')?.at(-1) ?? 'message',
    data: data.join('\n'),
  };
}
