import type { BlockPool } from './block-pool.js';
import { BlockShare } from './block-pool.js';
import { DigestJob } from './digest-job.js';
import { FanOut } from './fan-out.js';
import type { FilledBlock } from './block-pool.js';
import type { PassJob, PassResult } from './pass.js';
import { checkSize, sizeMismatch } from './size-limits.js';
import type { FileThreads, TargetFile } from './target-file.js';
import type { ThreadGroup } from './thread-group.js';
import { WatcherGroup } from './watchers.js';

/** What all passes of a server share. */
export interface PassResources extends FileThreads {
  readonly blocks: BlockPool;
  readonly digests: ThreadGroup;
}

/** Blocks that one pass may hold: one is filled while the threads are at work on the others. */
export const BLOCKS_PER_PASS = 6;

/** The parts of one pass that do not depend on where its bytes come from. `end` it. */
export class PassRun {
  readonly share: BlockShare;
  /** Aborted when the pass is to end early, by its owner or by a thread that has failed. */
  readonly signal: AbortSignal;
  readonly #job: PassJob;
  readonly #digests: readonly DigestJob[];
  readonly #watchers: WatcherGroup;
  readonly #fanOut: FanOut;

  /**
   * @throws the reason of `failure`
   * @throws {RejectedError} `SIZE_EXCEEDED` when too many bytes are announced
   */
  constructor(job: PassJob, resources: PassResources, failure: AbortController) {
    failure.signal.throwIfAborted();
    if (job.expectedSize !== undefined) checkSize(job.expectedSize, job);
    this.#job = job;
    this.signal = failure.signal;
    this.share = new BlockShare(resources.blocks, BLOCKS_PER_PASS);
    this.#digests = job.digests.map((algorithm) => new DigestJob(algorithm, resources.digests));
    this.#watchers = new WatcherGroup(job);
    this.#fanOut = new FanOut({
      digests: this.#digests,
      watchers: this.#watchers,
      share: this.share,
      onProgress: job.onProgress,
      onFailure: (error) => {
        failure.abort(error);
      },
    });
  }

  /**
   * Shows blocks to everybody and writes them where there is a target.
   * @returns the bytes seen by this and earlier calls, with every thread done with them
   */
  async take(blocks: AsyncIterable<FilledBlock>, target: TargetFile | undefined): Promise<number> {
    const seen = await this.#fanOut.take(blocks, target);
    await this.#fanOut.settled();
    this.signal.throwIfAborted();
    return seen;
  }

  /** Judges the whole. @throws {IntegrityError} `SIZE_MISMATCH` */
  async conclude(size: number): Promise<Omit<PassResult, 'allocatedSize'>> {
    const { expectedSize, onProgress } = this.#job;
    if (expectedSize !== undefined && size !== expectedSize) {
      throw sizeMismatch(expectedSize, `${size}`);
    }
    const digests = await Promise.all(
      this.#digests.map(async (digest) => [digest.algorithm, await digest.finish()] as const),
    );
    onProgress?.(size);
    return { size, digests: Object.fromEntries(digests), ...this.#watchers.finish() };
  }

  /** Waits until no thread is at work on a block any more. */
  async settled(): Promise<void> {
    await this.#fanOut.settled();
  }

  /** Waits for the threads and lets go of them. */
  async end(): Promise<void> {
    await this.#fanOut.settled();
    await Promise.all(this.#digests.map((digest) => digest.close()));
  }
}
