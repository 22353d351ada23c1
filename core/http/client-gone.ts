import type { IncomingMessage, ServerResponse } from 'node:http';
import { CancelledError } from '../base/errors.js';

/**
 * A signal that is aborted when the client goes away before it has sent its whole body. Once the
 * body is here, what the client has asked for goes on without it.
 */
export function clientGone(
  req: IncomingMessage,
  res: ServerResponse,
): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const closed = (): void => {
    if (req.complete) return;
    controller.abort(
      new CancelledError({
        code: 'CLIENT_GONE',
        message: 'The client went away before it had sent everything',
        hint: 'Send the data again',
      }),
    );
  };
  req.once('close', closed);
  res.once('close', closed);
  return {
    signal: controller.signal,
    stop() {
      req.off('close', closed);
      res.off('close', closed);
    },
  };
}

/** A signal that is aborted when the connection that takes an answer is closed before the answer was whole. */
export function receiverGone(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  let isWhole = false;
  // Node emits "close" from its own listener to "finish", which would come first.
  res.prependOnceListener('finish', () => {
    isWhole = true;
  });
  res.once('close', () => {
    if (isWhole) return;
    controller.abort(
      new CancelledError({
        code: 'CLIENT_GONE',
        message: 'The client went away before it had got everything',
        hint: 'Ask for the bytes again, from where they ended with "Range"',
      }),
    );
  });
  return controller.signal;
}
