import { Readable } from 'node:stream';

/** The first `length` bytes of a stream, which is closed then; fewer where it ends before. */
export async function* firstBytes(source: Readable, length: number): AsyncGenerator<Buffer> {
  let left = length;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, left);
    left -= part.length;
    if (part.length > 0) yield part;
    if (left === 0) return;
  }
}

/** Streams one behind the other. */
export async function* joined(
  ...parts: readonly (AsyncIterable<Buffer> | Iterable<Buffer>)[]
): AsyncGenerator<Buffer> {
  for (const part of parts) yield* part;
}

export function toStream(bytes: AsyncIterable<Buffer>): Readable {
  return Readable.from(bytes, { objectMode: false });
}

/** A stream's first bytes, at least `length` where it has so many, and all of it. */
export async function peek(
  source: Readable,
  length: number,
): Promise<{ readonly start: Buffer; readonly all: Readable }> {
  const bytes = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const read: Buffer[] = [];
  let start = Buffer.alloc(0);
  while (start.length < length) {
    const step = await bytes.next();
    if (step.done === true) break;
    read.push(step.value);
    start = Buffer.concat(read);
  }
  return { start, all: toStream(joined(read, { [Symbol.asyncIterator]: () => bytes })) };
}
