/** How long to wait between attempts. Milliseconds. */
export interface Backoff {
  /** Before the second attempt; doubles each time. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

/**
 * Whole milliseconds to wait after attempt number `attempt` (from 1) has failed: exponential, with
 * the upper half random, so that failures that began together do not come back together.
 * @param random answers with a number in [0, 1)
 */
export function backoffDelay(
  attempt: number,
  { backoffMs, maxBackoffMs }: Backoff,
  random: () => number = Math.random,
): number {
  const full = Math.min(maxBackoffMs, backoffMs * 2 ** Math.max(0, attempt - 1));
  return Math.round(full / 2 + (full / 2) * random());
}
