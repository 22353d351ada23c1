import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';

/** A body without its first `count` bytes. Destroying it destroys `body`. */
export function skipBytes(body: Readable, count: number): Readable {
  let left = count;
  return through(body, (chunk) => {
    const skipped = Math.min(left, chunk.length);
    left -= skipped;
    return skipped === chunk.length ? undefined : chunk.subarray(skipped);
  });
}

/** The same bytes, until there are more than `count`. Destroying it destroys `body`. */
export function cappedBytes(body: Readable, count: number, tooMany: () => Error): Readable {
  let left = count;
  return through(body, (chunk) => {
    left -= chunk.length;
    if (left < 0) throw tooMany();
    return chunk;
  });
}

/** Passes a body on piece by piece; a piece that becomes `undefined` is left out. */
function through(body: Readable, change: (chunk: Buffer) => Buffer | undefined): Readable {
  const changed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        done(null, change(chunk));
      } catch (error) {
        done(error as Error);
      }
    },
  });
  body.on('error', (error) => changed.destroy(error));
  changed.on('close', () => body.destroy());
  return body.pipe(changed);
}
