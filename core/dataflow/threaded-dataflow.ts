import { availableParallelism } from 'node:os';
import { CancelledError } from '../base/errors.js';
import { BlockPool } from './block-pool.js';
import { cloneFile, copyFile } from './copy-file.js';
import { FlushLane } from './flush-lane.js';
import type { Dataflow, PassJob, PassResult, SharedSeat } from './pass.js';
import type { PassResources } from './pass-run.js';
import { readFrom } from './read-from.js';
import { runPass } from './run-pass.js';
import { SharedReading } from './shared-reading.js';
import type { ReadFrom } from './shared-reading.js';
import { ThreadGroup } from './thread-group.js';

/** Blocks for all passes together, 1 MiB each. */
const BLOCKS = 16;
const FILE_THREADS = 2;
/** A thread takes about 8 MiB of memory, so a big machine does not get one for each of its cores. */
const MAX_DIGEST_THREADS = 8;

const SHARED_READING = { gatherMs: 2_000, stallMs: 5_000 };
/** For a reading that ends with its takers. */
const UNTIL_STOPPED = new AbortController().signal;

/**
 * Bytes in motion: this folder reads each byte once and shows it to digests, inspector, observers and
 * file. It knows nothing of images or imports. Invariant: memory is bounded whatever passes, and
 * neither the event loop nor libuv's pool ever waits for a disk or a digest.
 *
 * Threads are started when they are first needed and do not keep an idle process alive.
 */
export class ThreadedDataflow implements Dataflow {
  readonly #resources: PassResources;
  readonly #groups: readonly ThreadGroup[];
  readonly #running = new Map<AbortController, Promise<unknown>>();
  #stopped: Promise<void> | undefined;

  constructor() {
    const blocks = new BlockPool(BLOCKS);
    const digestThreads = Math.min(MAX_DIGEST_THREADS, Math.max(2, availableParallelism()));
    const digests = new ThreadGroup(digestThreads, blocks.memory);
    const files = new ThreadGroup(FILE_THREADS, blocks.memory);
    const background = new ThreadGroup(1, blocks.memory);
    const final = new ThreadGroup(1, blocks.memory);
    this.#groups = [digests, files, background, final];
    this.#resources = {
      blocks,
      digests,
      files,
      background: new FlushLane(background),
      final: new FlushLane(final),
    };
  }

  pass(job: PassJob): Promise<PassResult> {
    return this.#run(job.signal, (failure) => runPass(job, this.#resources, failure));
  }

  copyFile(from: string, to: string, signal: AbortSignal): Promise<void> {
    return this.#run(signal, (failure) => copyFile(from, to, this.#resources, failure));
  }

  cloneFile(from: string, to: string, signal: AbortSignal): Promise<boolean> {
    return this.#run(signal, (failure) => cloneFile(from, to, this.#resources, failure));
  }

  shareFile(path: string, takers: number): readonly SharedSeat[] {
    const read: ReadFrom = (from, take) =>
      this.#run(UNTIL_STOPPED, (failure) => readFrom(path, from, take, failure));
    return new SharedReading(takers, read, SHARED_READING).seats;
  }

  async flush(path: string): Promise<void> {
    if (this.#stopped !== undefined) throw stopping();
    const failure = new AbortController();
    const running = this.#resources.final.flushPath(path);
    this.#running.set(failure, running);
    try {
      await running;
    } finally {
      this.#running.delete(failure);
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #run<T>(signal: AbortSignal, work: (failure: AbortController) => Promise<T>): Promise<T> {
    const failure = new AbortController();
    const onAbort = (): void => {
      failure.abort(signal.reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    if (this.#stopped !== undefined) failure.abort(stopping());
    const running = work(failure);
    this.#running.set(failure, running);
    try {
      return await running;
    } finally {
      this.#running.delete(failure);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #stop(): Promise<void> {
    for (const failure of this.#running.keys()) failure.abort(stopping());
    await Promise.allSettled(this.#running.values());
    await Promise.all(this.#groups.map((group) => group.stop()));
  }
}

function stopping(): CancelledError {
  return new CancelledError({
    code: 'SHUTTING_DOWN',
    message: 'The server is stopping',
    hint: 'What is under way goes on when the server is started again',
  });
}
