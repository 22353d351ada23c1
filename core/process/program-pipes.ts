import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { systemCode } from '../base/errors.js';

/** What writing fails with where the reader has gone. */
const GONE = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/**
 * Hands all that a program says to `to`, no faster than it is taken. Resolves at the end of the
 * output, or soon after `signal` or the program has cut it off; `to` is not ended.
 */
export async function handOver(from: Readable, to: Writable, signal: AbortSignal): Promise<void> {
  try {
    for await (const chunk of from) {
      if (!to.write(chunk)) await once(to, 'drain', { signal });
    }
  } catch (error) {
    // Whoever has stopped the program knows why, and reads nothing more.
    if (!signal.aborted && !to.destroyed) throw error;
  }
}

/**
 * Feeds a program, with nothing where `from` is absent; what the source breaks with goes to
 * `onBroken`. Answers how to let go of both.
 */
export function feed(
  from: Readable | undefined,
  to: Writable,
  onBroken: (error: unknown) => void,
): () => void {
  to.on('error', (error) => {
    // A program may end before it has read everything; its exit code says whether that is right.
    if (!GONE.has(systemCode(error) ?? '')) onBroken(error);
  });
  from?.on('error', onBroken);
  if (from === undefined) to.end();
  else from.pipe(to);
  return () => {
    from?.unpipe(to);
    from?.destroy();
    to.destroy();
  };
}
