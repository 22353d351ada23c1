import type { JsonObject } from './json.js';

/**
 * What the *caller* can do about a failure. The class decides about retries and HTTP status; the
 * `code` of an error says what happened.
 */
export const ERROR_CLASSES = [
  'invalid_input',
  'unsupported',
  'rejected',
  'forbidden',
  'not_found',
  'conflict',
  'capacity',
  'transient',
  'integrity',
  'permanent',
  'cancelled',
  'bug',
] as const;
export type ErrorClass = (typeof ERROR_CLASSES)[number];

export interface ErrorFacts {
  /** Stable upper-case name of what happened, for example `BACKING_FILE_PRESENT`. */
  readonly code: string;
  /** Sentence case, active voice, no final period, values quoted, numbers given. */
  readonly message: string;
  /** What the reader can do about it. */
  readonly hint?: string;
  readonly details?: JsonObject;
  readonly cause?: unknown;
}

/** Base of everything Stowage and its plugins throw on purpose. */
export abstract class StowageError extends Error {
  abstract readonly class: ErrorClass;
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: JsonObject;

  constructor(facts: ErrorFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = facts.code;
    this.hint = facts.hint;
    this.details = facts.details ?? {};
  }
}

/** The request or the configuration is wrong; repeating it unchanged cannot work. */
export class InvalidInputError extends StowageError {
  readonly class = 'invalid_input';
}

/** The request is valid, but no installed plugin or capability can do it. */
export class UnsupportedError extends StowageError {
  readonly class = 'unsupported';
}

/** The bytes break a rule (safety, declared format, size, digest): they are dropped. */
export class RejectedError extends StowageError {
  readonly class = 'rejected';
}

/** The caller may see the thing but not do this to it. */
export class ForbiddenError extends StowageError {
  readonly class = 'forbidden';
}

/** No such image, import, store or location, or not the caller's to know of. */
export class NotFoundError extends StowageError {
  readonly class = 'not_found';
}

/** The thing is in another state, or somebody else holds it. */
export class ConflictError extends StowageError {
  readonly class = 'conflict';
}

/** A quota, the staging area or a store is full. */
export class CapacityError extends StowageError {
  readonly class = 'capacity';
  /** When asking again may work, in seconds; `undefined` where it never can. */
  readonly retryAfter: number | undefined;

  constructor(facts: ErrorFacts & { readonly retryAfter?: number }) {
    super(facts);
    this.retryAfter = facts.retryAfter;
  }
}

/** May work when repeated: a network, a store or a program that is out of reach for now. */
export class TransientError extends StowageError {
  readonly class = 'transient';
  /** Earliest useful time for a next try, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  constructor(facts: ErrorFacts & { readonly retryAfterMs?: number }) {
    super(facts);
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** Bytes at rest are not what was recorded of them. */
export class IntegrityError extends StowageError {
  readonly class = 'integrity';
}

/** Failed for good, and the client's bytes are not to blame. */
export class PermanentError extends StowageError {
  readonly class = 'permanent';
}

/** Somebody asked to stop. The reason is in `code`. */
export class CancelledError extends StowageError {
  readonly class = 'cancelled';
}

/** A defect in Stowage or in a plugin. */
export class BugError extends StowageError {
  readonly class = 'bug';
}

/** What is kept of an error in a row and shown to people; never a stack. */
export type Failure = {
  readonly class: ErrorClass;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly details?: JsonObject;
  readonly causes?: readonly string[];
};

const MAX_CAUSES = 5;

/**
 * Describes anything thrown. What is not a {@link StowageError} is a bug: its message is kept, since
 * the operator needs it, and its class says that nobody foresaw it.
 */
export function describeFailure(error: unknown): Failure {
  const causes = causesOf(error);
  const common = causes.length > 0 ? { causes } : {};
  if (error instanceof StowageError) {
    return {
      class: error.class,
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(Object.keys(error.details).length > 0 ? { details: error.details } : {}),
      ...common,
    };
  }
  return {
    class: 'bug',
    code: 'INTERNAL',
    message: error instanceof Error ? wordsOf(error) : String(error),
    hint: 'Report this with the log of the server around this time',
    ...common,
  };
}

function causesOf(error: unknown): readonly string[] {
  const causes: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause instanceof Error && causes.length < MAX_CAUSES) {
    causes.push(wordsOf(cause));
    cause = cause.cause;
  }
  return causes;
}

/**
 * The message of an error for people who may not know where the server keeps its files: in what the
 * system says of a call, a path is shortened to its last part.
 */
export function wordsOf(error: Error): string {
  if (!('syscall' in error)) return error.message;
  return error.message.replace(/'[^']*\/([^'/]*)'/g, "'$1'");
}

/** The code of a Node system error (`ENOENT`), or `undefined` for anything else. */
export function systemCode(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Restores the error that {@link describeFailure} described, for callers that throw it again. */
export function failureError(failure: Failure): StowageError {
  const { hint, details } = failure;
  const facts: ErrorFacts = {
    code: failure.code,
    message: failure.message,
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
  };
  return new ERRORS_BY_CLASS[failure.class](facts);
}

const ERRORS_BY_CLASS: Record<ErrorClass, new (facts: ErrorFacts) => StowageError> = {
  invalid_input: InvalidInputError,
  unsupported: UnsupportedError,
  rejected: RejectedError,
  forbidden: ForbiddenError,
  not_found: NotFoundError,
  conflict: ConflictError,
  capacity: CapacityError,
  transient: TransientError,
  integrity: IntegrityError,
  permanent: PermanentError,
  cancelled: CancelledError,
  bug: BugError,
};
