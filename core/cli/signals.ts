import { CancelledError } from '../base/errors.js';
import { EXIT } from './exit.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Aborted by the first SIGTERM or SIGINT of this process. A second one ends the process at once with
 * `secondExit`.
 */
export function signalled(secondExit: number = EXIT.interrupted): AbortSignal {
  const controller = new AbortController();
  const heard = (): void => {
    if (controller.signal.aborted) process.exit(secondExit);
    controller.abort(new CancelledError({ code: 'INTERRUPTED', message: 'Interrupted' }));
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return controller.signal;
}
