import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RejectedError, TransientError } from '../base/errors.js';
import type { StreamInspector } from '../format/inspection.js';
import type { ByteObserver } from '../plugin/contract/task.js';
import { openFiles } from '../../test/support/open-files.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { FlushPoints } from './flush-points.js';
import type { PassJob, PassSource } from './pass.js';
import { ThreadedDataflow } from './threaded-dataflow.js';

const MIB = 1024 * 1024;

// Real files on a disk that others use as well.
vi.setConfig({ testTimeout: 60_000 });

const dataflow = new ThreadedDataflow();
let dir: Awaited<ReturnType<typeof tempDir>>;
let files = 0;
beforeAll(async () => {
  dir = await tempDir();
});
afterAll(async () => {
  await dataflow.stop();
  await dir[Symbol.asyncDispose]();
});

function newPath(): string {
  files += 1;
  return path.join(dir.path, `file-${files}`);
}

/** Keeps all it sees, as inspector and observer alike. */
class Recorder implements StreamInspector, ByteObserver {
  readonly #hash = createHash('sha1');
  #size = 0;

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  finish() {
    const metadata = { sha1: this.#hash.digest('hex') };
    return { format: 'raw', size: this.#size, safe: true, findings: [], metadata };
  }
}

function aJob(source: PassSource, changes: Partial<PassJob> = {}): PassJob {
  return {
    source,
    digests: ['md5', 'sha512'],
    inspector: new Recorder(),
    observers: new Map([['watcher', new Recorder()]]),
    maxSize: 1024 * MIB,
    expectedSize: undefined,
    signal: new AbortController().signal,
    ...changes,
  };
}

function fromStream(stream: Readable, target: string, changes: object = {}) {
  return { kind: 'stream', stream, target, prefix: 0, idleTimeoutMs: 5000, ...changes } as const;
}

/** What a pass must say of `data`, allocated size left out. */
function factsOf(data: Buffer) {
  const hex = (algorithm: string) => createHash(algorithm).update(data).digest('hex');
  const inspection = {
    format: 'raw',
    size: data.length,
    safe: true,
    findings: [],
    metadata: { sha1: hex('sha1') },
  };
  return {
    size: data.length,
    digests: { md5: hex('md5'), sha512: hex('sha512') },
    inspection,
    observations: { watcher: inspection },
  };
}

/** Cuts `data` into pieces of random sizes. */
function* cut(data: Buffer, largest: number): Generator<Buffer> {
  for (let done = 0; done < data.length;) {
    const length = 1 + Math.floor(Math.random() * largest);
    yield data.subarray(done, done + length);
    done += length;
  }
}

async function failureOf(run: Promise<unknown>): Promise<unknown> {
  const failure: unknown = await run.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeDefined();
  expect(openFiles(dir.path)).toEqual([]);
  return failure;
}

describe('ThreadedDataflow.pass of a stream', () => {
  const sizes = [0, 1, 4095, 4096, 4097, MIB - 1, MIB, MIB + 1, 3 * MIB + 7, 9 * MIB];
  it.each(sizes)('shows %i bytes to everybody, however they are cut', async (size) => {
    for (const largest of [100_000, 3 * MIB]) {
      const data = randomBytes(size);
      const target = newPath();
      const stream = Readable.from(cut(data, largest));
      const result = await dataflow.pass(aJob(fromStream(stream, target), { expectedSize: size }));
      expect(result).toMatchObject(factsOf(data));
      expect((await readFile(target)).equals(data)).toBe(true);
      expect(openFiles(dir.path)).toEqual([]);
    }
  });

  it('leaves holes where there are zeros, and digests them', async () => {
    const data = Buffer.alloc(8 * MIB + 100);
    for (const [at, length] of [
      [10, 5],
      [MIB + 4096, 4096],
      [3 * MIB - 1, 2],
      [5 * MIB, 10_000],
    ] as const) {
      randomBytes(length).copy(data, at);
    }
    const target = newPath();
    const result = await dataflow.pass(aJob(fromStream(Readable.from(cut(data, 70_000)), target)));
    const { blocks, size } = await stat(target);
    expect(result).toMatchObject(factsOf(data));
    expect(result.allocatedSize).toBe(blocks * 512);
    expect(result.allocatedSize).toBeLessThanOrEqual(8 * 4096);
    expect(size).toBe(data.length);
    expect((await readFile(target)).equals(data)).toBe(true);
  });

  it.each([0, 1, 4096, 5000, MIB, MIB + 1, 4 * MIB - 1, 4 * MIB])(
    'goes on behind a prefix of %i bytes',
    async (prefix) => {
      const data = randomBytes(4 * MIB);
      data.fill(0, MIB - 5000, MIB + 9000);
      const target = newPath();
      await writeFile(target, Buffer.concat([data.subarray(0, prefix), randomBytes(777)]));
      const source = fromStream(Readable.from(cut(data.subarray(prefix), 90_000)), target, {
        prefix,
      });
      const result = await dataflow.pass(aJob(source, { expectedSize: data.length }));
      expect(result).toMatchObject(factsOf(data));
      expect((await readFile(target)).equals(data)).toBe(true);
    },
  );

  it('does not go on behind a prefix that is not there', async () => {
    const target = newPath();
    await writeFile(target, 'short');
    const source = fromStream(Readable.from([Buffer.from('x')]), target, { prefix: 6 });
    expect(await failureOf(dataflow.pass(aJob(source)))).toMatchObject({
      class: 'integrity',
      code: 'PREFIX_MISSING',
    });
  });

  it('keeps what arrived before the source broke', async () => {
    const data = randomBytes(3 * MIB + 11);
    const target = newPath();
    const durable: number[] = [];
    const stream = Readable.from(
      (function* () {
        yield* cut(data, 50_000);
        throw new Error('connection reset');
      })(),
    );
    const failure = await failureOf(
      dataflow.pass(
        aJob(fromStream(stream, target), { onDurable: (bytes) => durable.push(bytes) }),
      ),
    );
    expect(failure).toMatchObject({
      class: 'transient',
      code: 'SOURCE_BROKEN',
      message: 'The source of the bytes broke off: connection reset',
    });
    const { details } = failure as TransientError;
    const kept = Number(details['durable']);
    expect(durable).toEqual([kept]);
    const file = await readFile(target);
    expect(file.length).toBe(kept);
    expect(file.equals(data.subarray(0, kept))).toBe(true);
    const rest = fromStream(Readable.from([data.subarray(kept)]), target, { prefix: kept });
    expect(await dataflow.pass(aJob(rest))).toMatchObject(factsOf(data));
  });

  it('keeps the code of a transient error of the source, and passes on any other', async () => {
    const transient = new TransientError({ code: 'BUSY', message: 'Later', retryAfterMs: 9 });
    const stream = new PassThrough();
    const run = dataflow.pass(aJob(fromStream(stream, newPath())));
    stream.destroy(transient);
    expect(await failureOf(run)).toMatchObject({
      code: 'BUSY',
      retryAfterMs: 9,
      details: { durable: 0 },
    });
    const rejected = new RejectedError({ code: 'NO', message: 'Never' });
    const other = new PassThrough();
    const otherRun = dataflow.pass(aJob(fromStream(other, newPath())));
    other.destroy(rejected);
    expect(await failureOf(otherRun)).toBe(rejected);
  });

  it('takes a stream that is closed without an end for broken', async () => {
    const stream = new PassThrough();
    const run = dataflow.pass(aJob(fromStream(stream, newPath())));
    stream.write('some');
    await turn();
    stream.destroy();
    expect(await failureOf(run)).toMatchObject({ code: 'SOURCE_BROKEN' });
    const again = dataflow.pass(aJob(fromStream(stream, newPath())));
    expect(await failureOf(again)).toMatchObject({
      code: 'SOURCE_BROKEN',
      details: { durable: 0 },
    });
  });

  it('gives up on a source that sends nothing', async () => {
    const stream = new PassThrough();
    stream.write('some');
    const target = newPath();
    const source = fromStream(stream, target, { idleTimeoutMs: 50 });
    expect(await failureOf(dataflow.pass(aJob(source)))).toMatchObject({
      class: 'transient',
      code: 'SOURCE_STALLED',
      details: { durable: 4 },
    });
    expect(await readFile(target, 'utf8')).toBe('some');
  });

  it('rejects with the reason of its signal', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const stream = new PassThrough();
    stream.write(randomBytes(100));
    const run = dataflow.pass(aJob(fromStream(stream, newPath()), { signal: controller.signal }));
    await turn();
    controller.abort(reason);
    expect(await failureOf(run)).toBe(reason);
    const late = dataflow.pass(aJob(fromStream(stream, newPath()), { signal: controller.signal }));
    expect(await failureOf(late)).toBe(reason);
    stream.destroy(new Error('nobody listens any more'));
    await turn();
  });

  it('refuses too many bytes at once', async () => {
    const stream = new PassThrough();
    stream.write(Buffer.alloc(11));
    const run = dataflow.pass(aJob(fromStream(stream, newPath()), { maxSize: 10 }));
    expect(await failureOf(run)).toMatchObject({ class: 'rejected', code: 'SIZE_EXCEEDED' });
    const last = Readable.from([Buffer.alloc(10), Buffer.alloc(1)]);
    const ending = dataflow.pass(aJob(fromStream(last, newPath()), { maxSize: 10 }));
    expect(await failureOf(ending)).toMatchObject({ class: 'rejected', code: 'SIZE_EXCEEDED' });
    const target = newPath();
    const announced = dataflow.pass(
      aJob(fromStream(new PassThrough(), target), { maxSize: 10, expectedSize: 11 }),
    );
    expect(await failureOf(announced)).toMatchObject({ code: 'SIZE_EXCEEDED' });
  });

  it.each([9, 11])('refuses %i bytes where there should be 10', async (size) => {
    const stream = Readable.from([Buffer.alloc(size)]);
    const run = dataflow.pass(aJob(fromStream(stream, newPath()), { expectedSize: 10 }));
    expect(await failureOf(run)).toMatchObject({ class: 'integrity', code: 'SIZE_MISMATCH' });
  });

  it('waits for what it may write, and writes no more', async () => {
    const data = randomBytes(2 * MIB);
    const asked: number[] = [];
    const target = newPath();
    await dataflow.pass(
      aJob(fromStream(Readable.from(cut(data, 60_000)), target), {
        grant: async (bytes) => {
          asked.push(bytes);
          await turn();
          return bytes + 500_000;
        },
      }),
    );
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.length).toBeLessThan(8);
    const full = new Error('no room');
    const refused = dataflow.pass(
      aJob(fromStream(Readable.from([data]), newPath()), { grant: () => Promise.reject(full) }),
    );
    expect(await failureOf(refused)).toBe(full);
    const controller = new AbortController();
    const reason = new Error('enough');
    const waiting = dataflow.pass(
      aJob(fromStream(Readable.from([data]), newPath()), {
        signal: controller.signal,
        grant: () => {
          controller.abort(reason);
          return new Promise(() => undefined);
        },
      }),
    );
    expect(await failureOf(waiting)).toBe(reason);
  });

  it('detaches an observer that throws, and goes on', async () => {
    const data = randomBytes(2 * MIB);
    const errors: unknown[] = [];
    let calls = 0;
    const broken: ByteObserver = {
      update: () => {
        calls += 1;
        throw new Error('observer');
      },
      finish: () => 'never',
    };
    const brokenAtEnd: ByteObserver = {
      update: () => undefined,
      finish: () => {
        throw new Error('finish');
      },
    };
    const result = await dataflow.pass(
      aJob(fromStream(Readable.from([data]), newPath()), {
        observers: new Map<string, ByteObserver>([
          ['broken', broken],
          ['end', brokenAtEnd],
          ['watcher', new Recorder()],
        ]),
        onObserverError: (key, error) => errors.push([key, (error as Error).message]),
      }),
    );
    expect(result).toMatchObject(factsOf(data));
    expect(Object.keys(result.observations)).toEqual(['watcher']);
    expect(errors).toEqual([
      ['broken', 'observer'],
      ['end', 'finish'],
    ]);
    expect(calls).toBe(1);
  });

  it('reports progress that grows to the size', async () => {
    const data = randomBytes(5 * MIB + 3);
    const seen: number[] = [];
    await dataflow.pass(
      aJob(fromStream(Readable.from(cut(data, 100_000)), newPath()), {
        onProgress: (bytes) => seen.push(bytes),
      }),
    );
    expect(seen.at(-1)).toBe(data.length);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it('says what is durable while bytes still come', async () => {
    const durable: number[] = [];
    const block = randomBytes(MIB);
    const stream = new PassThrough({ highWaterMark: 2 * MIB });
    let isFlushed: (() => void) | undefined;
    const flushed = new Promise<void>((resolve) => {
      isFlushed = resolve;
    });
    const run = dataflow.pass(
      aJob(fromStream(stream, newPath()), {
        onDurable: (bytes) => {
          durable.push(bytes);
          isFlushed?.();
        },
      }),
    );
    for (let index = 0; index < 22; index += 1) {
      if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve));
    }
    await flushed;
    expect(durable[0]).toBeGreaterThanOrEqual(16 * MIB);
    stream.end();
    await run;
    expect(durable.at(-1)).toBe(22 * MIB);
  });

  it('makes what has come durable when it is asked for, and goes on', async () => {
    const stream = new PassThrough();
    const flushes = new FlushPoints();
    const target = newPath();
    const durable: number[] = [];
    const early = flushes.reach(5);
    const run = dataflow.pass(
      aJob(fromStream(stream, target), { flushes, onDurable: (bytes) => durable.push(bytes) }),
    );
    stream.write('first');
    await early;
    expect(await readFile(target, 'utf8')).toBe('first');
    expect(durable).toEqual([5]);
    await flushes.reach(3);
    const later = flushes.reach(11);
    stream.write('second');
    await later;
    const never = expect(flushes.reach(12)).rejects.toThrow('cut');
    stream.destroy(new Error('cut'));
    await expect(run).rejects.toMatchObject({ code: 'SOURCE_BROKEN', details: { durable: 11 } });
    await never;
    await expect(flushes.reach(12)).rejects.toThrow('cut');
    await flushes.reach(11);
  });

  it('says which file it cannot write', async () => {
    const missing = path.join(dir.path, 'missing', 'file');
    const run = dataflow.pass(aJob(fromStream(Readable.from([randomBytes(9)]), missing)));
    expect(await failureOf(run)).toMatchObject({ class: 'permanent', code: 'FILE_MISSING' });
    const link = newPath();
    await symlink(newPath(), link);
    const linked = dataflow.pass(aJob(fromStream(Readable.from([randomBytes(9)]), link)));
    expect(await failureOf(linked)).toMatchObject({ class: 'permanent', code: 'FILE_FAILED' });
  });

  it('says that the disk is full', async () => {
    // What is written to this device is refused with ENOSPC: full(4).
    const run = dataflow.pass(
      aJob(fromStream(Readable.from([randomBytes(2 * MIB), randomBytes(MIB)]), '/dev/full')),
    );
    expect(await failureOf(run)).toMatchObject({ class: 'capacity', code: 'STAGING_DISK_FULL' });
    const waiting = new PassThrough();
    waiting.write(randomBytes(100));
    const idle = dataflow.pass(aJob(fromStream(waiting, '/dev/full')));
    expect(await failureOf(idle)).toMatchObject({ code: 'STAGING_DISK_FULL' });
  });

  it('refuses digests that nobody knows, and streams that are not of bytes', async () => {
    const unknown = dataflow.pass(
      aJob(fromStream(Readable.from([randomBytes(9)]), newPath()), { digests: ['md5', 'sha0'] }),
    );
    expect(await failureOf(unknown)).toMatchObject({ code: 'DIGEST_UNSUPPORTED' });
    const text = dataflow.pass(aJob(fromStream(Readable.from(['text']), newPath())));
    expect(await failureOf(text)).toMatchObject({ class: 'bug', code: 'SOURCE_NOT_BYTES' });
  });

  it('moves fifty streams at once', async () => {
    const runs = Array.from({ length: 50 }, async () => {
      const data = randomBytes(Math.floor(Math.random() * 3 * MIB));
      const stream = Readable.from(cut(data, 40_000));
      expect(await dataflow.pass(aJob(fromStream(stream, newPath())))).toMatchObject(factsOf(data));
    });
    await Promise.all(runs);
    expect(openFiles(dir.path)).toEqual([]);
  });

  it('is not held up by many senders that stand still', async () => {
    const still = Array.from({ length: 60 }, () => {
      const stream = new PassThrough();
      stream.write(randomBytes(1000));
      const controller = new AbortController();
      const run = dataflow.pass(aJob(fromStream(stream, newPath()), { signal: controller.signal }));
      return { controller, run };
    });
    const data = randomBytes(6 * MIB);
    const run = dataflow.pass(aJob(fromStream(Readable.from(cut(data, 60_000)), newPath())));
    expect(await run).toMatchObject(factsOf(data));
    for (const { controller } of still) controller.abort(new Error('enough'));
    const ends = await Promise.allSettled(still.map((each) => each.run));
    expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
    expect(openFiles(dir.path)).toEqual([]);
  });
});

describe('ThreadedDataflow.pass of a file', () => {
  it.each([0, 1, MIB, 5 * MIB + 1])('reads %i bytes', async (size) => {
    const data = randomBytes(size);
    const file = newPath();
    await writeFile(file, data);
    const result = await dataflow.pass(aJob({ kind: 'file', path: file }));
    expect(result).toMatchObject(factsOf(data));
    expect(result.allocatedSize).toBe((await stat(file)).blocks * 512);
    expect(openFiles(dir.path)).toEqual([]);
  });

  it('reads fifty files at once', async () => {
    const runs = Array.from({ length: 50 }, async () => {
      const data = randomBytes(Math.floor(Math.random() * 4 * MIB));
      const file = newPath();
      await writeFile(file, data);
      expect(await dataflow.pass(aJob({ kind: 'file', path: file }))).toMatchObject(factsOf(data));
    });
    await Promise.all(runs);
  });

  it('checks the size before it reads', async () => {
    const file = newPath();
    await writeFile(file, randomBytes(100));
    const source = { kind: 'file', path: file } as const;
    expect(await failureOf(dataflow.pass(aJob(source, { maxSize: 99 })))).toMatchObject({
      code: 'SIZE_EXCEEDED',
    });
    expect(await failureOf(dataflow.pass(aJob(source, { expectedSize: 101 })))).toMatchObject({
      code: 'SIZE_MISMATCH',
    });
    const gone = { kind: 'file', path: newPath() } as const;
    expect(await failureOf(dataflow.pass(aJob(gone)))).toMatchObject({ code: 'FILE_MISSING' });
  });

  it('rejects with the reason of its signal', async () => {
    const file = newPath();
    await writeFile(file, randomBytes(20 * MIB));
    const controller = new AbortController();
    const reason = new Error('enough');
    const run = dataflow.pass(
      aJob(
        { kind: 'file', path: file },
        {
          signal: controller.signal,
          onProgress: () => {
            controller.abort(reason);
          },
        },
      ),
    );
    expect(await failureOf(run)).toBe(reason);
  });

  it('rejects with what the inspector has thrown', async () => {
    const file = newPath();
    await writeFile(file, randomBytes(3 * MIB));
    const error = new Error('inspector');
    const inspector: StreamInspector = {
      update: () => {
        throw error;
      },
      finish: () => new Recorder().finish(),
    };
    const run = dataflow.pass(aJob({ kind: 'file', path: file }, { inspector }));
    expect(await failureOf(run)).toBe(error);
  });
});

describe('ThreadedDataflow.copyFile', () => {
  const { signal } = new AbortController();

  it('copies bytes and holes', async () => {
    const from = newPath();
    const file = await open(from, 'w');
    await file.truncate(20 * MIB + 5);
    await file.write(randomBytes(5000), 0, 5000, 7 * MIB - 100);
    await file.close();
    const to = newPath();
    await dataflow.copyFile(from, to, signal);
    expect((await readFile(to)).equals(await readFile(from))).toBe(true);
    expect((await stat(to)).blocks * 512).toBeLessThan(64 * 1024);
    expect(openFiles(dir.path)).toEqual([]);
  });

  it('refuses a target that exists, and leaves it alone', async () => {
    const [from, to] = [newPath(), newPath()];
    await writeFile(from, 'new');
    await writeFile(to, 'old');
    expect(await failureOf(dataflow.copyFile(from, to, signal))).toMatchObject({
      class: 'conflict',
      code: 'FILE_EXISTS',
    });
    expect(await readFile(to, 'utf8')).toBe('old');
  });

  it('leaves no target behind when it is cancelled', async () => {
    const [from, to] = [newPath(), newPath()];
    // Holes take no space, but their zeros take seconds to read.
    await writeFile(from, '');
    await truncate(from, 16 * 1024 * MIB);
    const controller = new AbortController();
    const reason = new Error('enough');
    const run = dataflow.copyFile(from, to, controller.signal);
    await expect.poll(() => openFiles(dir.path)).toContain(to);
    controller.abort(reason);
    expect(await failureOf(run)).toBe(reason);
    await expect(stat(to)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('says what is missing', async () => {
    const run = dataflow.copyFile(newPath(), newPath(), signal);
    expect(await failureOf(run)).toMatchObject({ code: 'FILE_MISSING' });
  });
});

describe('ThreadedDataflow.flush', () => {
  it('flushes files and directories', async () => {
    const directory = newPath();
    await mkdir(directory);
    await writeFile(path.join(directory, 'file'), 'bytes');
    await dataflow.flush(path.join(directory, 'file'));
    await dataflow.flush(directory);
    await expect(dataflow.flush(newPath())).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });
});

describe('ThreadedDataflow', () => {
  it('rejects the passes of a thread that crashes, and replaces it', async () => {
    const workers: Worker[] = [];
    const onWorker = (worker: Worker): void => void workers.push(worker);
    process.on('worker', onWorker);
    const own = new ThreadedDataflow();
    try {
      const data = randomBytes(MIB);
      for (let kill = 0; kill < 3; kill += 1) {
        const stream = new PassThrough();
        const run = own.pass(aJob(fromStream(stream, newPath())));
        stream.write(data);
        await expect.poll(() => workers.length).toBeGreaterThan(kill);
        await workers[kill]?.terminate();
        stream.end();
        expect(await failureOf(run)).toMatchObject({ class: 'bug', code: 'THREAD_CRASHED' });
        const next = own.pass(aJob(fromStream(Readable.from([data]), newPath())));
        expect(await next).toMatchObject(factsOf(data));
      }
    } finally {
      process.off('worker', onWorker);
      await own.stop();
    }
  });

  it('rejects what is under way when it is stopped, and all that comes later', async () => {
    const own = new ThreadedDataflow();
    const run = own.pass(aJob(fromStream(new PassThrough(), newPath())));
    const stopped = own.stop();
    expect(own.stop()).toBe(stopped);
    expect(await failureOf(run)).toMatchObject({ class: 'cancelled', code: 'SHUTTING_DOWN' });
    await stopped;
    const late = own.pass(aJob(fromStream(Readable.from([randomBytes(9)]), newPath())));
    expect(await failureOf(late)).toMatchObject({ code: 'SHUTTING_DOWN' });
    await expect(own.flush(dir.path)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});
