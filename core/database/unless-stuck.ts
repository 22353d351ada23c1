import { BugError } from '../base/errors.js';

interface Watched {
  readonly isIdle: boolean;
  /** Statements so far. */
  readonly begun: number;
}

/**
 * Settles as the work of a transaction does, unless that does nothing and holds up all others: it
 * waits for something that is no statement, at worst for another transaction, which waits for this
 * one.
 * @throws {BugError} `TRANSACTION_STUCK` when no statement was under way or begun for `timeoutMs`
 */
export async function unlessStuck<T>(
  work: Promise<T>,
  statements: Watched,
  timeoutMs: number,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<never>((_, reject) => {
    let { begun } = statements;
    timer = setInterval(() => {
      if (statements.isIdle && statements.begun === begun) reject(stuckFor(timeoutMs));
      begun = statements.begun;
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, stuck]);
  } finally {
    clearInterval(timer);
  }
}

function stuckFor(ms: number): BugError {
  return new BugError({
    code: 'TRANSACTION_STUCK',
    message: `A transaction had no statement under way for ${ms} ms: it waits for something else, perhaps for another transaction`,
  });
}
