import { setImmediate as yieldToLoop } from 'node:timers/promises';
import type { BlockShare, FilledBlock } from './block-pool.js';
import type { DigestJob } from './digest-job.js';
import type { TargetFile } from './target-file.js';
import type { WatcherGroup } from './watchers.js';

/** Bytes between two reports of progress, at least. */
const PROGRESS_STEP = 64 * 1024;

export interface FanOutParts {
  readonly digests: readonly DigestJob[];
  readonly watchers: WatcherGroup | undefined;
  readonly share: BlockShare;
  readonly onProgress: ((bytes: number) => void) | undefined;
  /** Called when a thread has failed at a block. */
  readonly onFailure: (error: unknown) => void;
}

/** Hands each block to everybody who wants its bytes and gives it back when all are done with it. */
export class FanOut {
  readonly #parts: FanOutParts;
  readonly #underWay = new Set<Promise<void>>();
  #seen = 0;
  #reported = 0;

  constructor(parts: FanOutParts) {
    this.#parts = parts;
  }

  /**
   * Takes over blocks until there are no more. Threads may still be at work on the last ones.
   * @returns the bytes seen by this and earlier calls
   */
  async take(blocks: AsyncIterable<FilledBlock>, target: TargetFile | undefined): Promise<number> {
    for await (const filled of blocks) {
      this.#handOut(filled, target);
      this.#parts.watchers?.update(filled.block.bytes.subarray(0, filled.length));
      this.#seen = filled.position + filled.length;
      // A source that is always ready would keep everybody else on the event loop waiting.
      await yieldToLoop();
    }
    return this.#seen;
  }

  /** Waits until no thread is at work on a block any more, whatever has become of it. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #handOut(filled: FilledBlock, target: TargetFile | undefined): void {
    const works = this.#parts.digests.map((digest) => digest.update(filled));
    if (target !== undefined) works.push(target.write(filled));
    const done = Promise.allSettled(works).then((results) => {
      this.#underWay.delete(done);
      this.#parts.share.release(filled.block);
      const failed = results.find((result) => result.status === 'rejected');
      if (failed === undefined) this.#report(filled.position + filled.length);
      else this.#parts.onFailure(failed.reason);
    });
    this.#underWay.add(done);
  }

  #report(bytes: number): void {
    if (bytes - this.#reported < PROGRESS_STEP) return;
    this.#reported = bytes;
    this.#parts.onProgress?.(bytes);
  }
}
