/**
 * @import { Hash } from 'node:crypto'
 * @import { ThreadOperations } from './thread-protocol.js'
 */
import { createHash } from 'node:crypto';

/**
 * Digest jobs of one thread: a `Hash` cannot move to another.
 *
 * @param {Uint8Array} memory shared with the event loop
 * @returns {{ [K in 'digestOpen' | 'digestUpdate' | 'digestFinish' | 'digestClose']: (args: ThreadOperations[K]['args']) => ThreadOperations[K]['reply'] }}
 */
export function digestOperations(memory) {
  /** @type {Map<number, Hash>} */
  const jobs = new Map();

  /**
   * @param {number} job
   * @returns {Hash}
   */
  function hashOf(job) {
    const hash = jobs.get(job);
    if (hash === undefined) throw new Error(`No digest job ${job} is open`);
    return hash;
  }

  return {
    digestOpen({ job, algorithm }) {
      jobs.set(job, createHash(algorithm));
      return null;
    },
    digestUpdate({ job, offset, length }) {
      hashOf(job).update(memory.subarray(offset, offset + length));
      return null;
    },
    digestFinish({ job }) {
      const digest = hashOf(job).digest('hex');
      jobs.delete(job);
      return digest;
    },
    digestClose({ job }) {
      jobs.delete(job);
      return null;
    },
  };
}
