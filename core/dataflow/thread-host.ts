import { Worker } from 'node:worker_threads';
import { BugError } from '../base/errors.js';
import type { ThreadOperation, ThreadOperations, ThreadReply } from './thread-protocol.js';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** MiB of a thread's own heap; image bytes are in shared memory and do not count. */
const HEAP = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 };

/** One worker thread. It keeps the process alive only while a request is under way. */
export class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #end: Error | undefined;

  /** `onEnd` is called once, when the thread can take no more requests. */
  constructor(memory: SharedArrayBuffer, onEnd: () => void) {
    // The flags of this process (a loader of TypeScript, an inspector) are not for the thread.
    this.#worker = new Worker(new URL('../dataflow/thread.js', import.meta.url), {
      workerData: memory,
      execArgv: [],
      resourceLimits: HEAP,
    });
    this.#worker.unref();
    this.#worker.on('message', (reply: ThreadReply) => {
      this.#settle(reply);
    });
    this.#worker.on('error', (cause) => {
      this.#crashed(cause);
    });
    this.#worker.on('exit', () => {
      this.#crashed(undefined);
      onEnd();
    });
  }

  /**
   * Requests are carried out one after another, in the order of the calls.
   * @throws an `Error` with the system's `code` when the operation fails.
   * @throws {BugError} `THREAD_CRASHED`
   */
  request<K extends ThreadOperation>(
    operation: K,
    args: ThreadOperations[K]['args'],
  ): Promise<ThreadOperations[K]['reply']> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end);
        return;
      }
      const id = this.#nextId++;
      if (this.#waiting.size === 0) this.#worker.ref();
      // The thread replies to an operation with that operation's type.
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, operation, args });
    });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle({ id, value, error }: ThreadReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(Object.assign(new Error(error.message), { code: error.code }));
  }

  #crashed(cause: unknown): void {
    this.#end ??= new BugError({
      code: 'THREAD_CRASHED',
      message: 'A thread that reads, writes or digests image bytes has ended unexpectedly',
      hint: 'The next import gets a new thread. Report this with the log of the server around this time',
      cause,
    });
    for (const waiting of this.#waiting.values()) waiting.reject(this.#end);
    this.#waiting.clear();
  }
}
