import { Worker } from 'node:worker_threads';
import type { ReadingJob, ReadingMessage, ReadingResult } from './reading-protocol.js';

/** MiB of the thread's heap; it holds one piece of the image at a time. */
const HEAP = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 };

export interface ReadingOptions {
  readonly signal: AbortSignal;
  /** Called with the bytes read so far. */
  readonly onProgress: (done: number) => void;
}

/** Reads a file once, on a thread of its own that ends with it. @throws the signal's reason */
export async function read(
  job: ReadingJob,
  { signal, onProgress }: ReadingOptions,
): Promise<ReadingResult> {
  signal.throwIfAborted();
  // The flags of this process (a loader of TypeScript, an inspector) are not for the thread.
  const worker = new Worker(new URL('./reading-thread.js', import.meta.url), {
    workerData: job,
    execArgv: [],
    resourceLimits: HEAP,
  });
  const stop = (): void => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', (message: ReadingMessage) => {
        if ('result' in message) resolve(message.result);
        else onProgress(message.done);
      });
      worker.on('error', reject);
      worker.on('exit', () => {
        reject(new Error('The thread that reads the image ended early'));
      });
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
