/**
 * Entry of a thread of the dataflow. Every call blocks this thread alone: neither the event loop nor
 * libuv's pool takes part. Requests are carried out in the order in which they come.
 *
 * @import { ThreadOperation, ThreadOperations, ThreadReply, ThreadRequest } from './thread-protocol.js'
 */
import { existsSync, readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { digestOperations } from './thread-digests.js';
import { fileOperations } from './thread-files.js';

/** Behind the event loop, which answers requests while bytes pass; as programs by default. */
const NICENESS = 10;

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

/** Linux knows a priority for each of its threads: setpriority(2), "C library/kernel differences". */
const SELF = '/proc/thread-self';
if (existsSync(SELF)) setPriority(Number(path.basename(readlinkSync(SELF))), NICENESS);

parentPort?.on('message', (/** @type {ThreadRequest} */ request) => {
  parentPort?.postMessage(answer(request));
});
