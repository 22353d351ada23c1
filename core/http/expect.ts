import type { IncomingMessage, ServerResponse } from 'node:http';

/** Requests whose client waits for `100 Continue` before it sends the body. */
const waiting = new WeakMap<IncomingMessage, ServerResponse>();

/** Remembers that a client waits; called for each `checkContinue` of the server. */
export function expectContinue(req: IncomingMessage, res: ServerResponse): void {
  waiting.set(req, res);
}

/** Whether the client still waits, and so has sent nothing of its body. */
export function willContinue(req: IncomingMessage): boolean {
  return waiting.has(req);
}

/** Asks the client for the body, where it waits; to be called just before reading. */
export function letContinue(req: IncomingMessage): void {
  waiting.get(req)?.writeContinue();
  waiting.delete(req);
}
