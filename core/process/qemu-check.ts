import { PermanentError, RejectedError } from '../base/errors.js';
import type { ProgramCommand, Programs } from '../plugin/contract/services.js';

/** Exit codes of `qemu-img check`, qemu-img(1). */
const FAILED = 1;
const CORRUPT = 2;
const LEAKS_ONLY = 3;
/** The format has no check; what it needs to be opened was found whole. */
const UNSUPPORTED = 63;

/**
 * Runs `qemu-img check` and judges its end.
 * @throws {RejectedError} `IMAGE_DAMAGED`, and as {@link Programs.run}
 */
export async function runCheck(programs: Programs, command: ProgramCommand): Promise<void> {
  try {
    await programs.run(command);
  } catch (error) {
    if (!(error instanceof PermanentError) || error.code !== 'PROGRAM_FAILED') throw error;
    const { exitCode } = error.details;
    if (exitCode === LEAKS_ONLY || exitCode === UNSUPPORTED) return;
    if (exitCode !== FAILED && exitCode !== CORRUPT) throw error;
    throw new RejectedError({
      code: 'IMAGE_DAMAGED',
      message:
        exitCode === CORRUPT
          ? 'The tables of the image are damaged: "qemu-img check" has found errors'
          : error.message,
      hint: 'Send it again, or repair it first: qemu-img check -r all INPUT',
      details: error.details,
      cause: error,
    });
  }
}
