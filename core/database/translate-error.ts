import { QueryFailedError } from 'typeorm';
import {
  BugError,
  CapacityError,
  ConflictError,
  PermanentError,
  TransientError,
  systemCode,
} from '../base/errors.js';
import type { ErrorFacts, StowageError } from '../base/errors.js';

/** What a broken UNIQUE constraint means, by the columns that SQLite names. */
const CONFLICTS: Readonly<Record<string, Omit<ErrorFacts, 'cause'>>> = {
  'images.id': {
    code: 'IMAGE_EXISTS',
    message: 'An image with this id exists or has existed',
    hint: 'Choose another id, or none to get a new one',
  },
  'imports.image_id': {
    code: 'IMPORT_RUNNING',
    message: 'The image has an import that is not finished',
    hint: 'Wait for it to end, or cancel it first',
  },
  'imports.image_id, imports.idempotency_key': {
    code: 'IDEMPOTENCY_KEY_USED',
    message: 'The image has an import with this idempotency key',
    hint: 'Look at that import, or send another key',
  },
  'locations.image_id, locations.store': {
    code: 'LOCATION_EXISTS',
    message: 'The image has a location in this store',
    hint: 'Delete that location first',
  },
};

/** By SQLite's primary result codes, https://www.sqlite.org/rescode.html. */
const FAILURES: Readonly<Record<string, (cause: Error) => StowageError>> = {
  SQLITE_BUSY: busy,
  SQLITE_LOCKED: busy,
  SQLITE_FULL: (cause) =>
    new CapacityError({
      code: 'DATABASE_FULL',
      message: `Cannot write the database: ${cause.message}`,
      hint: 'Make room on the file system of the data directory',
      retryAfter: 60,
      cause,
    }),
  SQLITE_READONLY: broken('Make the data directory and the files in it writable for this user'),
  SQLITE_PERM: broken('Make the data directory and the files in it writable for this user'),
  SQLITE_CANTOPEN: broken('Check that the path exists, is a file, and belongs to this user'),
  SQLITE_IOERR: broken('Check the disk and the file system of the data directory, then restart'),
  SQLITE_CORRUPT: broken('Restore the database from a backup; check the disk'),
  SQLITE_NOTADB: broken('Check the path: the file is no SQLite database'),
};

/**
 * Gives what SQLite says a class and a code; anything else stays as it is.
 *
 * | SQLite | becomes |
 * |---|---|
 * | UNIQUE | {@link ConflictError} `IMAGE_EXISTS` · `IMPORT_RUNNING` · `IDEMPOTENCY_KEY_USED` · `LOCATION_EXISTS` |
 * | BUSY, LOCKED | {@link TransientError} `DATABASE_BUSY` |
 * | FULL | {@link CapacityError} `DATABASE_FULL` |
 * | READONLY, PERM, CANTOPEN, IOERR, CORRUPT, NOTADB | {@link PermanentError} `DATABASE_BROKEN` |
 * | another constraint | {@link BugError} `CONSTRAINT_VIOLATED` |
 * | anything else | {@link BugError} `STATEMENT_FAILED` |
 */
export function translateError(error: unknown): unknown {
  const cause = driverError(error);
  if (cause === undefined) return error;
  return isConstraint(cause) ? constraintError(cause) : sqliteFailure(cause);
}

/**
 * What SQLite has failed with in a way that may have ended the transaction: anything but a broken
 * constraint, which undoes only its own statement. `undefined` for every other error.
 */
export function driverFailure(error: unknown): StowageError | undefined {
  const cause = driverError(error);
  return cause === undefined || isConstraint(cause) ? undefined : sqliteFailure(cause);
}

/** What the driver threw, alone or in TypeORM's wrapping; `undefined` for anything else. */
function driverError(error: unknown): Error | undefined {
  if (error instanceof QueryFailedError) {
    const inner = error.driverError as unknown;
    return inner instanceof Error ? inner : error;
  }
  const isNative = systemCode(error)?.startsWith('SQLITE_') === true;
  return error instanceof Error && isNative ? error : undefined;
}

function isConstraint(cause: Error): boolean {
  return systemCode(cause) === 'SQLITE_CONSTRAINT';
}

function sqliteFailure(cause: Error): StowageError {
  const failure = FAILURES[systemCode(cause) ?? ''];
  if (failure !== undefined) return failure(cause);
  return new BugError({ code: 'STATEMENT_FAILED', message: cause.message, cause });
}

function constraintError(cause: Error): StowageError {
  const columns = /UNIQUE constraint failed: (.*)$/.exec(cause.message)?.[1];
  const conflict = columns === undefined ? undefined : CONFLICTS[columns];
  if (conflict !== undefined) return new ConflictError({ ...conflict, cause });
  return new BugError({ code: 'CONSTRAINT_VIOLATED', message: cause.message, cause });
}

function busy(cause: Error): StowageError {
  return new TransientError({
    code: 'DATABASE_BUSY',
    message: `Another program holds the database: ${cause.message}`,
    hint: 'End the program that has the database file open, for example a sqlite3 shell',
    retryAfterMs: 1_000,
    cause,
  });
}

function broken(hint: string): (cause: Error) => StowageError {
  return (cause) =>
    new PermanentError({
      code: 'DATABASE_BROKEN',
      message: `The database cannot be used: ${cause.message}`,
      hint,
      cause,
    });
}
