import { dirname } from 'node:path';
import { BlockShare } from './block-pool.js';
import { FanOut } from './fan-out.js';
import { fileBlocks } from './file-blocks.js';
import { fileError } from './file-errors.js';
import { BLOCKS_PER_PASS } from './pass-run.js';
import type { PassResources } from './pass-run.js';
import { sizeMismatch } from './size-limits.js';
import { TargetFile } from './target-file.js';
import { ThreadFile } from './thread-file.js';
import type { ThreadOperation, ThreadOperations } from './thread-protocol.js';

/** Copies a file that does not change; see `Dataflow.copyFile`. Aborting `failure` ends it early. */
export async function copyFile(
  from: string,
  to: string,
  resources: PassResources,
  failure: AbortController,
): Promise<void> {
  if (await cloneFile(from, to, resources, failure)) return;
  const input = await ThreadFile.open(from, 'read', resources.files);
  try {
    const output = await ThreadFile.open(to, 'create', resources.files);
    await removedOnFailure(to, resources, () => copyBlocks(input, output, resources, failure));
  } finally {
    await input.close();
  }
}

/** See `Dataflow.cloneFile`. */
export async function cloneFile(
  from: string,
  to: string,
  resources: PassResources,
  failure: AbortController,
): Promise<boolean> {
  failure.signal.throwIfAborted();
  const isLinked = await onFileThread(resources, 'reflink', { from, to }, to);
  if (isLinked) await removedOnFailure(to, resources, () => syncLinked(to, resources, failure));
  return isLinked;
}

async function copyBlocks(
  input: ThreadFile,
  output: ThreadFile,
  resources: PassResources,
  failure: AbortController,
): Promise<void> {
  const target = new TargetFile(output, 0, resources, {});
  const share = new BlockShare(resources.blocks, BLOCKS_PER_PASS);
  const fanOut = new FanOut({
    digests: [],
    watchers: undefined,
    share,
    onProgress: undefined,
    onFailure: (error) => {
      failure.abort(error);
    },
  });
  try {
    const blocks = fileBlocks(input, input.size, share, failure.signal);
    const size = await fanOut.take(blocks, target);
    await fanOut.settled();
    failure.signal.throwIfAborted();
    if (size !== input.size) throw sizeMismatch(input.size, `${size}`);
    await target.flush();
  } finally {
    await fanOut.settled();
    await target.close();
  }
}

async function syncLinked(
  path: string,
  resources: PassResources,
  failure: AbortController,
): Promise<void> {
  failure.signal.throwIfAborted();
  await resources.final.flushPath(path);
  await resources.final.flushPath(dirname(path));
}

async function removedOnFailure(
  path: string,
  resources: PassResources,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    await onFileThread(resources, 'unlink', { path }, path);
    throw error;
  }
}

async function onFileThread<K extends ThreadOperation>(
  resources: PassResources,
  operation: K,
  args: ThreadOperations[K]['args'],
  path: string,
): Promise<ThreadOperations[K]['reply']> {
  const place = resources.files.place();
  try {
    return await place.thread.request(operation, args);
  } catch (error) {
    throw fileError(error, 'write', path);
  } finally {
    place.release();
  }
}
