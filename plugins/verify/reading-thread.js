/**
 * Entry of the thread that reads an image for its signature. Node verifies a signature over the bytes
 * themselves and hashes them where it is called: on the event loop every client would wait for it.
 *
 * @import { ReadingJob, ReadingMessage, SignatureJob } from './reading-protocol.js'
 */
import { createHash, createVerify } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const PIECE = 1024 * 1024;
/** Bytes between two reports. */
const STEP = 16 * PIECE;

/** @param {ReadingMessage} message */
function say(message) {
  parentPort?.postMessage(message);
}

/**
 * @param {string} path
 * @param {readonly { update(bytes: Uint8Array): unknown }[]} readers
 */
function readThrough(path, readers) {
  const piece = new Uint8Array(PIECE);
  const file = openSync(path, 'r');
  try {
    for (let done = 0; ;) {
      const length = readSync(file, piece);
      if (length === 0) return;
      const bytes = piece.subarray(0, length);
      for (const reader of readers) reader.update(bytes);
      if (Math.floor((done + length) / STEP) > Math.floor(done / STEP))
        say({ done: done + length });
      done += length;
    }
  } finally {
    closeSync(file);
  }
}

/**
 * @param {ReturnType<typeof createVerify>} verify
 * @param {SignatureJob} signature
 */
function holds(verify, { key, scheme, value }) {
  try {
    return verify.verify({ key, ...scheme }, value);
  } catch {
    // A value that is no signature of this kind at all.
    return false;
  }
}

const { path, digests, signature } = /** @type {ReadingJob} */ (workerData);
const hashes = digests.map((algorithm) => ({ algorithm, hash: createHash(algorithm) }));
const verify = signature === undefined ? undefined : createVerify(signature.hash);
readThrough(path, [...hashes.map(({ hash }) => hash), ...(verify === undefined ? [] : [verify])]);
say({
  result: {
    digests: Object.fromEntries(
      hashes.map(({ algorithm, hash }) => [algorithm, hash.digest('hex')]),
    ),
    signatureHolds:
      signature === undefined || verify === undefined ? undefined : holds(verify, signature),
  },
});
