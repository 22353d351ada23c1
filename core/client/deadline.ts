/**
 * Waits for `promise` at most `ms` milliseconds and only until `signal` is aborted; what it settles
 * with later is dropped.
 * @throws what `late` makes when the time is over
 * @throws the signal's reason
 */
export function within<T>(
  promise: Promise<T>,
  ms: number,
  late: () => Error,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      release();
      reject(error);
    };
    const onAbort = (): void => {
      fail(abortReason(signal));
    };
    const timer = setTimeout(() => {
      fail(late());
    }, ms);
    const release = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.finally(release).then(resolve, reject);
  });
}

/** Why a signal was aborted, as an `Error`. */
export function abortReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error(`Aborted: ${String(reason)}`);
}
