import { BugError, StowageError, TransientError } from '../base/errors.js';

/** A source that has sent nothing for so long. */
export function sourceStalled(timeoutMs: number): TransientError {
  return new TransientError({
    code: 'SOURCE_STALLED',
    message: `The source of the bytes has sent nothing for ${timeoutMs / 1000} s`,
    hint: 'Check the sender and the network between, then send the bytes again',
  });
}

/** A source that broke; what it has thrown on purpose stays as it is. */
export function sourceBroken(cause: Error): StowageError {
  if (cause instanceof StowageError) return cause;
  return new TransientError({
    code: 'SOURCE_BROKEN',
    message: `The source of the bytes broke off: ${cause.message}`,
    hint: 'Send the bytes again, or let the import try again',
    cause,
  });
}

export function sourceNotBytes(chunk: unknown): BugError {
  return new BugError({
    code: 'SOURCE_NOT_BYTES',
    message: `A source of image bytes has given a ${typeof chunk}`,
  });
}
