import {
  CapacityError,
  NotFoundError,
  PermanentError,
  StowageError,
  TransientError,
  systemCode,
  wordsOf,
} from '../../core/api.js';

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
/** A file server that is away, or a limit that is reached for now. */
const PASSING: ReadonlySet<string> = new Set([
  'EAGAIN',
  'EBUSY',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EMFILE',
  'ENFILE',
  'ENOLCK',
  'ENOTCONN',
  'ESTALE',
  'ETIMEDOUT',
]);

/** Says in the words of the store contract what a system call has said; aborts pass as they are. */
export function translated(failure: unknown, id: string, act: string): unknown {
  const error = ownCause(failure);
  const code = systemCode(error);
  if (error instanceof StowageError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) {
    return error;
  }
  const message = `Store "${id}" cannot ${act}: ${wordsOf(error as Error)}`;
  if (FULL.has(code)) {
    return new CapacityError({
      code: 'STORE_FULL',
      message,
      hint: 'Free space in the file system of the store, or raise its quota',
      cause: error,
    });
  }
  if (PASSING.has(code)) {
    return new TransientError({ code: 'STORE_UNAVAILABLE', message, cause: error });
  }
  if (code === 'ENOENT') {
    return new NotFoundError({ code: 'OBJECT_NOT_FOUND', message, cause: error });
  }
  return new PermanentError({
    code: 'STORE_BROKEN',
    message,
    hint: 'Check the directory of the store, its permissions and the log of the system',
    cause: error,
  });
}

/** The server's own work on files knows the system's word, and not that the file is a store's. */
function ownCause(error: unknown): unknown {
  const isWrite = error instanceof StowageError && error.details['action'] === 'write';
  return isWrite && error.cause !== undefined ? error.cause : error;
}
