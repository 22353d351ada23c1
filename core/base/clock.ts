import { setTimeout as delay } from 'node:timers/promises';

/** Time, as the rest of the server sees it. */
export interface Clock {
  now(): Date;
  /**
   * Resolves after `ms` milliseconds.
   * @throws the signal's reason when it is aborted before.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
export const Clock = Symbol('Clock');

export const systemClock: Clock = {
  now: () => new Date(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
