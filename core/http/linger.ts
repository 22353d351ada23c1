import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { willContinue } from './expect.js';

/** Milliseconds and bytes of an unwanted request body that are still read after the answer. */
const LINGER_MS = 3_000;
const LINGER_BYTES = 64 * 1024 * 1024;

/**
 * The body of an answer that may be sent while the client is still sending its own. The answer goes
 * out at once and the connection is closed; but what the client has under way is read and dropped
 * for a short while first, since closing over unread bytes resets the connection and many clients
 * would then never see the answer.
 */
export function lingeringBody(
  req: IncomingMessage,
  res: ServerResponse,
  bytes: Buffer,
): Buffer | Readable {
  if (req.complete || !hasBody(req)) return bytes;
  res.setHeader('Connection', 'close');
  if (willContinue(req)) return bytes;
  return Readable.from(answerThenDrain(req, bytes), { objectMode: false });
}

/** Whether the request says that it carries a body. */
export function hasBody(req: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers;
  return encoding !== undefined || (length !== undefined && Number(length) > 0);
}

async function* answerThenDrain(req: IncomingMessage, bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
  await drain(req);
}

function drain(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let dropped = 0;
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(stop, LINGER_MS);
    req.on('data', (chunk: Buffer) => {
      dropped += chunk.length;
      if (dropped > LINGER_BYTES) stop();
    });
    req.once('end', stop).once('close', stop).once('error', stop);
    if (req.destroyed) stop();
    else req.resume();
  });
}
