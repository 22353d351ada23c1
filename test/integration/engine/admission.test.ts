import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CapacityError } from '../../../core/base/errors.js';
import type { TaskView } from '../../../core/plugin/contract/view.js';
import {
  TEST_CALLER,
  TestEngine,
  bytesSource,
  stageTask,
  storeTask,
} from '../../support/engine.js';
import type { TestEngineOptions, TestTask } from '../../support/engine.js';
import { gate } from '../../support/gate.js';
import type { Gate } from '../../support/gate.js';
import { MemoryStore } from '../../support/memory-store.js';
import { randomOf } from '../../support/random.js';
import { tempDir } from '../../support/temp-dir.js';

const CAPACITY = 200_000;
/** What the file system gives at least. */
const BLOCK = 4096;

let directory: Awaited<ReturnType<typeof tempDir>>;
beforeEach(async () => {
  directory = await tempDir();
});
afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

/** The image says in its properties how much workspace a task needs. */
function needs(property: string): (view: TaskView) => number {
  return ({ image }) => Number(image.properties[property] ?? 0);
}

/** Works until `held` lets it, where the image asks for that. */
function working(held: Gate, name = 'works'): TestTask {
  return {
    name,
    task: {
      workspace: needs(name),
      execute: async ({ image, signal }) => {
        if (image.properties['held'] === 'yes') await Promise.race([held.opened, aborted(signal)]);
        return {};
      },
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}

function engine(options: Partial<TestEngineOptions> = {}): Promise<TestEngine> {
  return TestEngine.start({
    dataDir: directory.path,
    tasks: [stageTask, working(gate()), storeTask],
    stores: { one: new MemoryStore() },
    staging: { capacity: CAPACITY, reserve: 0.1 },
    imports: { retry: { attempts: 3, backoffMs: 1, maxBackoffMs: 5 } },
    ...options,
  });
}

async function staged(
  running: TestEngine,
  blocks: number,
  properties: Readonly<Record<string, string>> = {},
): Promise<string> {
  const id = await running.createImage({ properties });
  await stage(running, id, blocks);
  return id;
}

async function stage(running: TestEngine, imageId: string, blocks: number): Promise<void> {
  const bytes = randomBytes(blocks * BLOCK);
  const body = { stream: Readable.from([bytes]), size: bytes.length };
  const { signal } = new AbortController();
  await running.uploads.stage({ imageId, caller: TEST_CALLER, body, signal });
}

/** Has half of an upload on its way; the rest comes when `rest` is opened. */
async function beginUpload(
  running: TestEngine,
  size: number,
  rest: Gate,
): Promise<{ readonly id: string; readonly upload: Promise<unknown> }> {
  const begun = gate();
  async function* body(): AsyncGenerator<Buffer> {
    yield randomBytes(size / 2);
    begun.open();
    await rest.opened;
    yield randomBytes(size / 2);
  }
  const id = await running.createImage();
  const upload = running.uploads.stage({
    imageId: id,
    caller: TEST_CALLER,
    body: { stream: Readable.from(body()), size },
    signal: new AbortController().signal,
  });
  await begun.opened;
  return { id, upload };
}

async function importOf(running: TestEngine, imageId: string): Promise<string> {
  return (await running.start(imageId, { method: 'glance-direct' })).id;
}

async function until(
  running: TestEngine,
  importId: string,
  type: string,
  saying = /(?:)/,
): Promise<unknown> {
  for await (const update of running.imports.follow(importId, 0, AbortSignal.timeout(20_000))) {
    if (update.kind !== 'event' || update.event.type !== type) continue;
    const { reason } = update.event.data;
    if (saying.test(typeof reason === 'string' ? reason : '')) return reason;
  }
  throw new Error(`No ${type}`);
}

async function ends(running: TestEngine, ids: readonly string[]): Promise<readonly unknown[]> {
  const ended = await Promise.all(ids.map((id) => running.ended(id)));
  return ended.map(({ record }) => record.failure?.code ?? record.state);
}

describe('an import', () => {
  it('is admitted with the needs of all its tasks, before the first of them', async () => {
    const seen: number[] = [];
    const looks: TestTask = {
      name: 'looks',
      task: {
        execute: async () => {
          const held = await running.database.read.reservations();
          const work = held.filter(({ purpose }) => purpose === 'workspace');
          seen.push(work.reduce((sum, { bytes }) => sum + bytes, 0));
          return {};
        },
      },
    };
    const makes: TestTask = {
      name: 'makes',
      manifest: { replacesData: true },
      task: { workspace: needs('makes'), execute: () => Promise.resolve({}) },
    };
    const names = ['a', 'b', 'c', 'd'];
    const [a, b, c, d] = names.map((name) => ({ ...looks, name })) as TestTask[];
    await using running = await engine({
      tasks: [stageTask, a, makes, b, working(gate()), c, d, storeTask].flatMap((t) => t ?? []),
    });
    const id = await staged(running, 1, { makes: '60000', works: '50000' });
    expect(await ends(running, [await importOf(running, id)])).toEqual(['succeeded']);
    expect(seen).toEqual([110_000, 50_000, 0, 0]);
    await running.tidy();
    expect(await running.database.read.reservations()).toEqual([]);
  });

  it('that can never fit fails at once with the numbers, and keeps its bytes', async () => {
    await using running = await engine();
    const id = await staged(running, 2, { works: '195000' });
    const importId = await importOf(running, id);
    const { record, tasks } = await running.ended(importId);
    expect(record.failure).toMatchObject({ code: 'STAGING_TOO_SMALL', class: 'capacity' });
    expect(record.failure?.message).toMatch(/^Needs .* beside the 8 KiB that it holds, the whole/);
    expect(tasks.map(({ attempt }) => attempt)).toEqual([0, 0, 0]);
    expect((await running.image(id)).status).toBe('uploading');
  });
});

describe('imports that do not fit at once', () => {
  it('all end, one after the other, and say meanwhile why they wait', async () => {
    const held = gate();
    await using running = await engine({ tasks: [stageTask, working(held), storeTask] });
    const first = await staged(running, 5, { works: '110000', held: 'yes' });
    const others = [
      await staged(running, 5, { works: '110000' }),
      await staged(running, 5, { works: '110000' }),
    ];
    const ids = [await importOf(running, first)];
    await until(running, ids[0] ?? '', 'task.running');
    for (const image of others) ids.push(await importOf(running, image));
    const reason = await until(running, ids[1] ?? '', 'task.waiting');
    expect(reason).toMatch(/^Needs .* of staging, .* in all are taken$/);
    held.open();
    expect(await ends(running, ids)).toEqual(ids.map(() => 'succeeded'));
  });

  it('go on after a restart, whatever they were doing', async () => {
    const properties = { works: '110000', held: 'yes' };
    const before = await engine({ stopDeadlineMs: 0, stores: { one: new MemoryStore() } });
    const images = [
      await staged(before, 5, properties),
      await staged(before, 5, properties),
      await staged(before, 5, properties),
    ];
    const ids: string[] = [];
    for (const image of images) ids.push(await importOf(before, image));
    await until(before, ids[0] ?? '', 'task.running');
    await until(before, ids[2] ?? '', 'task.waiting');
    const closing = before[Symbol.asyncDispose]();
    await closing;
    const held = gate();
    held.open();
    await using after = await engine({ tasks: [stageTask, working(held), storeTask] });
    expect(await ends(after, ids)).toEqual(ids.map(() => 'succeeded'));
    await after.tidy();
    expect(await after.database.read.reservedBytes()).toBe(0);
  }, 40_000);

  it('are served in the order of asking: a small one does not take what a big one waits for', async () => {
    const held = gate();
    await using running = await engine({ tasks: [stageTask, working(held), storeTask] });
    const holder = await staged(running, 1, { works: '100000', held: 'yes' });
    const big = await staged(running, 1, { works: '120000' });
    // It fits beside the holder, and not beside the big one.
    const small = await staged(running, 1, { works: '76000' });
    const ids = [await importOf(running, holder)];
    await until(running, ids[0] ?? '', 'task.running');
    ids.push(await importOf(running, big));
    await until(running, ids[1] ?? '', 'task.waiting');
    ids.push(await importOf(running, small));
    expect(await until(running, ids[2] ?? '', 'task.waiting')).toMatch(/kept for an import before/);
    held.open();
    expect(await ends(running, ids)).toEqual(ids.map(() => 'succeeded'));
    // Who is served: the task that needs the room. Once the big one is through it, either may end first.
    const flows = await Promise.all(ids.map((id) => running.database.read.tasks(id)));
    const [, bigAt = 0, smallAt = 0] = flows.map((tasks) => tasks[1]?.startedAt?.getTime());
    expect(bigAt).toBeGreaterThan(0);
    expect(bigAt).toBeLessThanOrEqual(smallAt);
  });
});

describe('staged data', () => {
  it('are not taken where two imports could wait for each other', async () => {
    await using running = await engine();
    const first = await staged(running, 15, { works: '60000' });
    const second = await running.createImage({ properties: { works: '120000' } });
    await expect(stage(running, second, 15)).rejects.toMatchObject({
      code: 'STAGING_FULL',
      retryAfter: 30,
      message: expect.stringMatching(/^An import needs .* beside the .* of staged data/) as string,
    });
    expect((await running.image(second)).status).toBe('queued');
    expect(await ends(running, [await importOf(running, first)])).toEqual(['succeeded']);
    await running.tidy();
    await stage(running, second, 15);
    expect(await ends(running, [await importOf(running, second)])).toEqual(['succeeded']);
  });

  it('that do not fit beside the largest need of others are refused before they come', async () => {
    await using running = await engine();
    await staged(running, 5, { works: '150000' });
    const second = await running.createImage();
    await expect(stage(running, second, 10)).rejects.toMatchObject({ code: 'STAGING_FULL' });
    await stage(running, second, 5);
  });

  it('whose needs have grown with the configuration do not wait for each other for ever', async () => {
    const before = await engine({ tasks: [stageTask, storeTask] });
    const images = [await staged(before, 20), await staged(before, 20)];
    await before[Symbol.asyncDispose]();
    const demands: TestTask = {
      name: 'demands',
      task: { workspace: () => 100_000, execute: () => Promise.resolve({}) },
    };
    await using after = await engine({ tasks: [stageTask, demands, storeTask] });
    const ids: string[] = [];
    for (const image of images) ids.push(await importOf(after, image));
    expect(await ends(after, ids)).toEqual(['STAGING_FULL', 'STAGING_FULL']);
    for (const image of images) expect((await after.image(image)).status).toBe('uploading');
    // Without the other, each of them can be imported.
    await after.removal.deleteImage(images[0] ?? '');
    await after.tidy();
    expect(await ends(after, [await importOf(after, images[1] ?? '')])).toEqual(['succeeded']);
  });
});

describe('data that are coming', () => {
  it('do not stay where an import has come to need their room meanwhile', async () => {
    let need = 0;
    const demands: TestTask = {
      name: 'demands',
      task: {
        workspace: ({ image }) => (image.properties['demands'] === 'yes' ? need : 0),
        execute: () => Promise.resolve({}),
      },
    };
    await using running = await engine({ tasks: [stageTask, demands, storeTask] });
    const waiting = await staged(running, 5, { demands: 'yes' });
    const sending = gate();
    const { upload, id } = await beginUpload(running, 35 * BLOCK, sending);
    need = 60_000;
    const importId = await importOf(running, waiting);
    expect(await until(running, importId, 'task.waiting')).toMatch(/in all are taken$/);
    sending.open();
    await expect(upload).rejects.toMatchObject({ code: 'STAGING_FULL' });
    expect(await ends(running, [importId])).toEqual(['succeeded']);
    await running.tidy();
    await stage(running, id, 35);
  });
});

describe('a download', () => {
  it('that finds no room waits before its first byte, and does not use its attempts up', async () => {
    let opened = 0;
    await using running = await engine({
      source: () => {
        const source = bytesSource(randomBytes(20 * BLOCK));
        if (source.kind !== 'stream') return Promise.resolve(source);
        const open: typeof source.open = (...from) => {
          opened += 1;
          return source.open(...from);
        };
        return Promise.resolve({ ...source, open });
      },
    });
    const held = [await staged(running, 15), await staged(running, 15)];
    const { id } = await running.start(await running.createImage());
    expect(await until(running, id, 'task.waiting')).toMatch(/for incoming data are taken$/);
    for (let other = 0; other < 4; other += 1) {
      await running.removal.deleteImage(await staged(running, 1));
      await running.tidy();
    }
    expect(opened).toBe(0);
    await running.removal.deleteImage(held[0] ?? '');
    const { record, tasks } = await running.ended(id);
    expect(record.failure).toBeNull();
    expect([opened, tasks[0]?.attempt]).toEqual([1, 1]);
  });
});

describe('imports whose data grow beyond what could be foretold', () => {
  const MIB = 2 ** 20;

  /** Makes data of which nobody knows the size before. */
  function growing(pieces: () => AsyncIterable<Buffer> | Iterable<Buffer>): TestTask {
    return {
      name: 'grows',
      manifest: { replacesData: true },
      task: {
        execute: async (context) => {
          await context.stage({
            kind: 'stream',
            size: undefined,
            sparse: true,
            validator: undefined,
            resumable: false,
            open: () => Promise.resolve(Readable.from(pieces())),
          });
          return {};
        },
      },
    };
  }

  it('wait for room for what they came to need, and use no attempts up', async () => {
    const [begun, held] = [gate(), gate()];
    let most = 0;
    async function* grown(): AsyncGenerator<Buffer> {
      yield randomBytes(MIB / 2);
      begun.open();
      await held.opened;
      for (let piece = 0; piece < 5; piece += 1) {
        yield randomBytes(MIB / 2);
        most = Math.max(most, await running.database.read.reservedBytes());
      }
    }
    await using running = await engine({
      tasks: [stageTask, growing(grown), storeTask],
      staging: { capacity: 8 * MIB, reserve: 0.1 },
      imports: { retry: { attempts: 1, backoffMs: 1, maxBackoffMs: 5 }, concurrency: 4 },
    });
    const images = [
      await staged(running, 128),
      await staged(running, 128),
      await staged(running, 128),
      await staged(running, 128),
    ];
    const [first = '', ...others] = images;
    const ids = [await importOf(running, first)];
    // It has taken all that is free by now.
    await begun.opened;
    for (const image of others) {
      const id = await importOf(running, image);
      ids.push(id);
      expect(await until(running, id, 'task.waiting')).toMatch(/^Broken off for want of room/);
    }
    held.open();
    expect(await ends(running, ids)).toEqual(ids.map(() => 'succeeded'));
    const ended = await Promise.all(ids.map((id) => running.ended(id)));
    expect(ended.map(({ tasks }) => tasks[1]?.retries)).toEqual([0, 0, 0, 0]);
    expect(most).toBeGreaterThan(4 * MIB);
    expect(most).toBeLessThanOrEqual(8 * MIB);
    await running.tidy();
    expect(await running.database.read.reservations()).toEqual([]);
  });

  it('wait for no more room than is left beside data that are still coming', async () => {
    const [begun, held, sending] = [gate(), gate(), gate()];
    async function* grown(): AsyncGenerator<Buffer> {
      yield randomBytes(MIB / 2);
      begun.open();
      await held.opened;
      yield randomBytes(MIB / 2);
    }
    await using running = await engine({
      tasks: [stageTask, growing(grown), storeTask],
      staging: { capacity: 8 * MIB, reserve: 0.1 },
      imports: { retry: { attempts: 1, backoffMs: 1, maxBackoffMs: 5 }, concurrency: 4 },
    });
    const [first, second] = [await staged(running, 128), await staged(running, 128)];
    const { upload } = await beginUpload(running, 5.75 * MIB, sending);
    const ids = [await importOf(running, first)];
    await begun.opened;
    ids.push(await importOf(running, second));
    // Twice what it came to need is more than is free beside the upload when the other has ended.
    await until(running, ids[1] ?? '', 'task.waiting', /^Needs/);
    held.open();
    expect(await ends(running, ids)).toEqual(['succeeded', 'succeeded']);
    sending.open();
    await upload;
  });

  it('fail at last where all of staging is too small', async () => {
    const pieces = Array.from({ length: 16 }, () => randomBytes(MIB / 2));
    await using running = await engine({
      tasks: [stageTask, growing(() => pieces), storeTask],
      staging: { capacity: 8 * MIB, reserve: 0.1 },
    });
    const importId = await importOf(running, await staged(running, 128));
    expect(await ends(running, [importId])).toEqual(['STAGING_TOO_SMALL']);
  });
});

describe('many imports over a small staging', () => {
  it('all succeed, and what is reserved never exceeds the capacity', async () => {
    const seed = Date.now() % 1_000_000;
    const random = randomOf(seed);
    let most = 0;
    const measures: TestTask = {
      name: 'works',
      task: {
        workspace: needs('works'),
        execute: async () => {
          most = Math.max(most, await running.database.read.reservedBytes());
          return {};
        },
      },
    };
    const size = (): number => Math.ceil(random() * 8) * BLOCK;
    await using running = await engine({
      tasks: [stageTask, measures, storeTask],
      source: () => Promise.resolve(bytesSource(randomBytes(size()))),
      imports: { retry: { attempts: 10_000, backoffMs: 1, maxBackoffMs: 5 }, concurrency: 4 },
    });
    const one = async (): Promise<string> => {
      const works = String(Math.floor(random() * 150_000));
      const id = await running.createImage({ properties: { works } });
      if (random() < 0.5) return (await running.start(id)).id;
      for (;;) {
        try {
          await stage(running, id, size() / BLOCK);
          return await importOf(running, id);
        } catch (error) {
          // The client comes again, as it is told.
          if (!(error instanceof CapacityError)) throw error;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    };
    const ids = await Promise.all(Array.from({ length: 16 }, one));
    const failed = (await ends(running, ids)).filter((end) => end !== 'succeeded');
    expect(failed, `seed ${seed}`).toEqual([]);
    expect(most).toBeGreaterThan(CAPACITY / 2);
    expect(most).toBeLessThanOrEqual(CAPACITY);
    await running.tidy();
    expect(await running.database.read.reservations()).toEqual([]);
  }, 120_000);
});
