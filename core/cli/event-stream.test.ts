import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readEvents } from './event-stream.js';

async function read(chunks: readonly (string | Buffer)[]): Promise<unknown[]> {
  const events: unknown[] = [];
  for await (const event of readEvents(Readable.from(chunks))) events.push(event);
  return events;
}

describe('readEvents', () => {
  const TEXT =
    ': hello\n\nid: 1\nevent: task.running\ndata: {"a":"ü"}\n\nevent: progress\ndata: x\ndata:y\n\n';
  const EVENTS = [
    { id: '1', type: 'task.running', data: '{"a":"ü"}' },
    { id: undefined, type: 'progress', data: 'x\ny' },
  ];

  it('reads numbered and unnumbered events, and passes over comments', async () => {
    expect(await read([TEXT])).toEqual(EVENTS);
  });

  it('gives the same however the stream is cut', async () => {
    const bytes = [...Buffer.from(TEXT)].map((byte) => Buffer.from([byte]));
    expect(await read(bytes)).toEqual(EVENTS);
    const crlf = [...Buffer.from(TEXT.replaceAll('\n', '\r\n'))].map((byte) => Buffer.from([byte]));
    expect(await read(crlf)).toEqual(EVENTS);
  });

  it('drops an event that was broken off', async () => {
    expect(await read(['event: a\ndata: 1\n\nevent: b\ndata: 2\n'])).toEqual([
      { id: undefined, type: 'a', data: '1' },
    ]);
  });
});
