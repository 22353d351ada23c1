import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Inspection } from '../format/inspection.js';
import { tempDir } from '../../test/support/temp-dir.js';
import type { GuestDisk } from '../plugin/contract/services.js';
import type { PassJob } from './pass.js';
import { ThreadedDataflow } from './threaded-dataflow.js';

const MIB = 1024 * 1024;
const SIZE = 9 * MIB + 512;

const dataflow = new ThreadedDataflow();
let dir: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  dir = await tempDir();
});
afterAll(async () => {
  await dataflow.stop();
  await dir[Symbol.asyncDispose]();
});

/** Holds its bytes in memory; reads from `stuckFrom` on are answered by its closing alone. */
class MemoryDisk implements GuestDisk {
  readonly size: number;
  closings = 0;
  /** What closing it fails with. */
  failure: Error | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly bytes: Buffer,
    private readonly stuckFrom = Infinity,
  ) {
    this.size = bytes.length;
  }

  async read(target: Uint8Array, position: number): Promise<void> {
    if (position >= this.stuckFrom) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
      throw new Error('closed');
    }
    target.set(this.bytes.subarray(position, position + target.length));
  }

  close(): Promise<void> {
    this.closings += 1;
    for (const wake of this.#waiting) wake();
    return this.failure === undefined ? Promise.resolve() : Promise.reject(this.failure);
  }
}

function aJob(disk: GuestDisk, changes: Partial<PassJob> = {}, idleTimeoutMs = 10_000): PassJob {
  const target = path.join(dir.path, randomBytes(4).toString('hex'));
  const inspection: Inspection = { format: 'raw', size: 0, safe: true, findings: [], metadata: {} };
  return {
    source: { kind: 'disk', disk, target, idleTimeoutMs },
    digests: ['sha256'],
    inspector: { update: () => undefined, finish: () => inspection },
    observers: new Map(),
    maxSize: 1024 * MIB,
    expectedSize: disk.size,
    signal: new AbortController().signal,
    ...changes,
  };
}

function targetOf({ source }: PassJob): string {
  return source.kind === 'disk' ? source.target : '';
}

/** Every block is free again: a pass that needs many of them comes to its end. */
async function expectBlocksFree(): Promise<void> {
  const bytes = randomBytes(SIZE);
  const { size } = await dataflow.pass(aJob(new MemoryDisk(bytes)));
  expect(size).toBe(SIZE);
}

describe('ThreadedDataflow.pass of a disk', () => {
  it('makes a file of it, holes where it holds zeros, and closes it', async () => {
    const bytes = randomBytes(SIZE).fill(0, 2 * MIB, 6 * MIB);
    const disk = new MemoryDisk(bytes);
    const granted: number[] = [];
    const grant = (wanted: number): Promise<number> => {
      granted.push(wanted);
      return Promise.resolve(wanted);
    };
    const job = aJob(disk, { grant });
    const result = await dataflow.pass(job);
    expect(result).toMatchObject({
      size: SIZE,
      digests: { sha256: createHash('sha256').update(bytes).digest('hex') },
    });
    expect((await readFile(targetOf(job))).equals(bytes)).toBe(true);
    expect(result.allocatedSize).toBeLessThan(SIZE - 3 * MIB);
    expect(granted.at(-1)).toBeLessThan(SIZE - 3 * MIB);
    expect(disk.closings).toBeGreaterThan(0);
  });

  it('ends with the reason of its signal while a read hangs', async () => {
    const disk = new MemoryDisk(randomBytes(SIZE), 3 * MIB);
    const controller = new AbortController();
    const job = aJob(disk, {
      signal: controller.signal,
      onProgress: () => {
        controller.abort(new Error('enough'));
      },
    });
    await expect(dataflow.pass(job)).rejects.toThrow('enough');
    expect(disk.closings).toBeGreaterThan(0);
    await expectBlocksFree();
  });

  it('says that the server stops, where a read hangs', async () => {
    const stopping = new ThreadedDataflow();
    let begun: () => void = () => undefined;
    const reading = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const disk = new MemoryDisk(randomBytes(SIZE), 3 * MIB);
    const job = aJob(disk, {
      onProgress: () => {
        begun();
      },
    });
    const passing = expect(stopping.pass(job)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await reading;
    await stopping.stop();
    await passing;
  });

  it('gives up on a read that takes too long', async () => {
    const disk = new MemoryDisk(randomBytes(SIZE), 3 * MIB);
    await expect(dataflow.pass(aJob(disk, {}, 50))).rejects.toMatchObject({
      code: 'SOURCE_STALLED',
    });
    await expectBlocksFree();
  });

  it('ends with what was refused to it', async () => {
    const disk = new MemoryDisk(randomBytes(SIZE));
    const grant = (wanted: number): Promise<number> =>
      wanted > 4 * MIB ? Promise.reject(new Error('full')) : Promise.resolve(wanted);
    await expect(dataflow.pass(aJob(disk, { grant }))).rejects.toThrow('full');
    expect(disk.closings).toBeGreaterThan(0);
    await expectBlocksFree();
  });

  it('believes no disk whose program fails at its end, although every read was answered', async () => {
    const disk = new MemoryDisk(randomBytes(SIZE));
    disk.failure = new Error('the program has failed');
    await expect(dataflow.pass(aJob(disk))).rejects.toThrow('the program has failed');
    await expectBlocksFree();
  });

  it('reads nothing of one that is too large', async () => {
    const disk = new MemoryDisk(randomBytes(SIZE), 0);
    await expect(dataflow.pass(aJob(disk, { maxSize: MIB }))).rejects.toMatchObject({
      code: 'SIZE_EXCEEDED',
    });
    expect(disk.closings).toBeGreaterThan(0);
  });
});
