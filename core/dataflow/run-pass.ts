import { TransientError } from '../base/errors.js';
import type { FilledBlock } from './block-pool.js';
import { diskBlocks } from './disk-blocks.js';
import { fileBlocks } from './file-blocks.js';
import { PassRun } from './pass-run.js';
import type { PassResources } from './pass-run.js';
import type { PassJob, PassResult, PassSource } from './pass.js';
import { checkSize } from './size-limits.js';
import { streamBlocks } from './stream-blocks.js';
import { StreamReader } from './stream-reader.js';
import { prefixMissing, TargetFile } from './target-file.js';
import { ThreadFile } from './thread-file.js';

/** Carries out one pass; aborting `failure` ends it early. */
export async function runPass(
  job: PassJob,
  resources: PassResources,
  failure: AbortController,
): Promise<PassResult> {
  const { source } = job;
  switch (source.kind) {
    case 'file':
      return readThrough(source.path, job, resources, failure);
    case 'passing':
      return seeThrough(source, job, resources, failure);
    case 'stream':
      return takeIn(source, job, resources, failure);
    case 'disk':
      return unpack(source, job, resources, failure);
  }
}

async function seeThrough(
  { stream, idleTimeoutMs }: Extract<PassSource, { kind: 'passing' }>,
  job: PassJob,
  resources: PassResources,
  failure: AbortController,
): Promise<PassResult> {
  const reader = new StreamReader(stream, failure.signal);
  try {
    const run = new PassRun(job, resources, failure);
    try {
      const coming = streamBlocks(reader, 0, { ...job, idleTimeoutMs }, run.share, run.signal);
      const facts = await run.conclude(await run.take(coming, undefined));
      return { ...facts, allocatedSize: 0 };
    } finally {
      await run.end();
    }
  } finally {
    reader.release();
  }
}

async function readThrough(
  path: string,
  job: PassJob,
  resources: PassResources,
  failure: AbortController,
): Promise<PassResult> {
  const run = new PassRun(job, resources, failure);
  try {
    const file = await ThreadFile.open(path, 'read', resources.files);
    try {
      checkSize(file.size, job);
      const size = await run.take(fileBlocks(file, file.size, run.share, run.signal), undefined);
      return { ...(await run.conclude(size)), allocatedSize: await file.allocated() };
    } finally {
      await file.close();
    }
  } finally {
    await run.end();
  }
}

async function takeIn(
  { stream, idleTimeoutMs, ...place }: Extract<PassSource, { kind: 'stream' }>,
  job: PassJob,
  resources: PassResources,
  failure: AbortController,
): Promise<PassResult> {
  // From here on a source that breaks cannot end the process, whatever else goes wrong.
  const reader = new StreamReader(stream, failure.signal);
  try {
    return await bringIn(place, job, resources, failure, (run) =>
      streamBlocks(reader, place.prefix, { ...job, idleTimeoutMs }, run.share, run.signal),
    );
  } finally {
    reader.release();
  }
}

async function unpack(
  { disk, idleTimeoutMs, target }: Extract<PassSource, { kind: 'disk' }>,
  job: PassJob,
  resources: PassResources,
  failure: AbortController,
): Promise<PassResult> {
  try {
    const place = { target, prefix: 0 };
    const result = await bringIn(place, job, resources, failure, (run) =>
      diskBlocks(disk, { ...job, idleTimeoutMs }, run.share, run.signal),
    );
    // A program that fails at its end may have told untruths before.
    await disk.close();
    return result;
  } catch (error) {
    await disk.close().catch(() => undefined);
    throw error;
  }
}

/** Brings what comes behind a prefix into a target. */
async function bringIn(
  place: { readonly target: string; readonly prefix: number },
  job: PassJob,
  resources: PassResources,
  failure: AbortController,
  coming: (run: PassRun) => AsyncIterable<FilledBlock>,
): Promise<PassResult> {
  const { prefix } = place;
  const run = new PassRun(job, resources, failure);
  try {
    const target = await TargetFile.open(place.target, prefix, resources, job);
    let reason: unknown;
    try {
      const kept = fileBlocks(target.file, prefix, run.share, run.signal);
      const seen = await run.take(kept, undefined);
      if (seen !== prefix) throw prefixMissing(place.target, prefix, seen);
      const facts = await run.conclude(await run.take(coming(run), target));
      await target.flush();
      return { ...facts, allocatedSize: await target.file.allocated() };
    } catch (error) {
      reason = error;
      job.signal.throwIfAborted();
      await run.settled();
      throw await withDurable(error, target);
    } finally {
      await run.settled();
      await target.close(reason);
    }
  } finally {
    await run.end();
  }
}

/** What arrived before a failure that may pass is kept for the next try. */
async function withDurable(error: unknown, target: TargetFile): Promise<unknown> {
  if (!(error instanceof TransientError)) return error;
  const durable = await target.flush();
  return new TransientError({
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    details: { ...error.details, durable },
    cause: error,
  });
}
