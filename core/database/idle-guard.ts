import { BugError } from '../base/errors.js';

interface Watched {
  readonly isIdle: boolean;
  /** Statements so far. */
  readonly begun: number;
}

/**
 * Ends a transaction that holds up all others and does nothing: its work waits for something that is
 * no statement, at worst for another transaction, which waits for this one.
 */
export class IdleGuard {
  /** Never resolves; rejects with a {@link BugError} `TRANSACTION_STUCK`. */
  readonly stuck: Promise<never>;
  readonly #timer: NodeJS.Timeout;

  constructor(statements: Watched, timeoutMs: number) {
    let begun = 0;
    let reject: (error: BugError) => void;
    this.stuck = new Promise((_, rejects) => {
      reject = rejects;
    });
    this.#timer = setInterval(() => {
      if (statements.isIdle && statements.begun === begun) reject(stuck(timeoutMs));
      begun = statements.begun;
    }, timeoutMs);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

function stuck(timeoutMs: number): BugError {
  return new BugError({
    code: 'TRANSACTION_STUCK',
    message: `A transaction had no statement under way after ${timeoutMs} ms: it waits for something else, perhaps for another transaction`,
  });
}
