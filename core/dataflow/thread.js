/**
 * Entry of a thread of the dataflow. Every call blocks this thread alone: neither the event loop nor
 * libuv's pool takes part. Requests are carried out in the order in which they come.
 *
 * @import { ThreadOperation, ThreadOperations, ThreadReply, ThreadRequest } from './thread-protocol.js'
 */
import { parentPort, workerData } from 'node:worker_threads';
import { digestOperations } from './thread-digests.js';
import { fileOperations } from './thread-files.js';

const memory = new Uint8Array(/** @type {SharedArrayBuffer} */ (workerData));

/** @type {{ [K in ThreadOperation]: (args: ThreadOperations[K]['args']) => ThreadOperations[K]['reply'] }} */
const operations = { ...digestOperations(memory), ...fileOperations(memory) };

/**
 * @template {ThreadOperation} K
 * @param {ThreadRequest<K>} request
 * @returns {ThreadReply}
 */
function answer({ id, operation, args }) {
  try {
    return { id, value: operations[operation](args) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    return { id, error: { message, code } };
  }
}

parentPort?.on('message', (/** @type {ThreadRequest} */ request) => {
  parentPort?.postMessage(answer(request));
});
