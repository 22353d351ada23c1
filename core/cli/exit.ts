import { StowageError } from '../base/errors.js';

/** What the command ends with. Documented in docs/operations.md and in `stowage --help`. */
export const EXIT = {
  ok: 0,
  failure: 1,
  /** Wrong arguments or configuration. */
  usage: 2,
  /** `inspect`: an image is not safe. */
  unsafe: 3,
  /** An import that was waited for has not succeeded. */
  importFailed: 4,
  unreachable: 5,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

const BY_CODE: Readonly<Record<string, number>> = {
  CONFIG_INVALID: EXIT.usage,
  USAGE: EXIT.usage,
  PLUGINS_INVALID: EXIT.usage,
  IMPORT_FAILED: EXIT.importFailed,
  SERVER_UNREACHABLE: EXIT.unreachable,
  INTERRUPTED: EXIT.interrupted,
};

/** The exit code for anything thrown. */
export function exitCodeOf(error: unknown): number {
  return error instanceof StowageError ? (BY_CODE[error.code] ?? EXIT.failure) : EXIT.failure;
}
