import { createHash, randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/base/clock.js';
import { PermanentError, RejectedError, TransientError } from '../../../core/base/errors.js';
import type { ImportRecord } from '../../../core/engine/import.js';
import { Scheduler } from '../../../core/engine/run/scheduler.js';
import { Intake } from '../../../core/engine/service/intake.js';
import type { ImportTask } from '../../../core/plugin/contract/task.js';
import { StageTask } from '../../../plugins/stage/stage-task.js';
import {
  BYTES,
  TEST_CALLER,
  TestEngine,
  bytesSource,
  stageTask,
  storeTask,
} from '../../support/engine.js';
import type { TestEngineOptions, TestTask } from '../../support/engine.js';
import { gate } from '../../support/gate.js';
import { MemoryStore } from '../../support/memory-store.js';
import { tempDir } from '../../support/temp-dir.js';

let directory: Awaited<ReturnType<typeof tempDir>>;
beforeEach(async () => {
  directory = await tempDir();
});
afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

function engine(options: Partial<TestEngineOptions> = {}): Promise<TestEngine> {
  return TestEngine.start({
    dataDir: directory.path,
    tasks: [stageTask, storeTask],
    stores: { one: new MemoryStore() },
    ...options,
  });
}

/** Milliseconds; more than a timer can wait. */
const YEAR = 365 * 24 * 3600 * 1000;

function between(...tasks: readonly TestTask[]): readonly TestTask[] {
  return [stageTask, ...tasks, storeTask];
}

function task(execute: ImportTask['execute'], rest: Partial<ImportTask> = {}): ImportTask {
  return { execute, ...rest };
}

const sha512 = createHash('sha512').update(BYTES).digest('hex');

async function stagedFiles(): Promise<readonly string[]> {
  return readdir(path.join(directory.path, 'staging', 'data'));
}

/** A task that waits until it is told to stop. */
function stuck(started: () => void = () => undefined): ImportTask {
  return task(
    ({ signal }) =>
      new Promise((_, reject) => {
        started();
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      }),
  );
}

describe('an import', () => {
  it('ends with an active image whose facts are those of its bytes', async () => {
    const store = new MemoryStore();
    await using running = await engine({ stores: { one: store } });
    const id = await running.createImage();
    const { record, tasks } = await running.run(id);
    expect(record).toMatchObject({ state: 'succeeded', failure: null });
    expect(tasks.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
    expect(await running.image(id)).toMatchObject({
      status: 'active',
      size: BYTES.length,
      osHashAlgo: 'sha512',
      osHashValue: sha512,
      checksum: createHash('md5').update(BYTES).digest('hex'),
    });
    expect([...store.objects.values()]).toEqual([BYTES]);
    await running.tidy();
    expect(await stagedFiles()).toEqual([]);
    expect(await running.database.read.reservedBytes()).toBe(0);
  });

  it('tells its story in numbered events', async () => {
    await using running = await engine();
    const { record } = await running.run(await running.createImage());
    const events = await running.database.read.events(record.id, 0, 100);
    expect(events.map(({ sequence, type }) => `${sequence} ${type}`)).toEqual([
      '1 import.created',
      '2 import.running',
      '3 task.running',
      '4 task.succeeded',
      '5 task.running',
      '6 task.succeeded',
      '7 import.succeeded',
    ]);
  });

  it('shows nothing of the draft before activation, and all of it then', async () => {
    const seen: unknown[] = [];
    await using running = await engine({
      tasks: between(
        {
          name: 'first',
          task: task(() =>
            Promise.resolve({ draft: { minDisk: 7, properties: { a: '1' } }, virtualSize: 42 }),
          ),
        },
        {
          name: 'second',
          task: task(async ({ image }) => {
            const shown = await running.image(image.id);
            seen.push([shown.minDisk, shown.properties, image.minDisk, image.properties]);
            return {};
          }),
        },
      ),
    });
    const id = await running.createImage();
    await running.run(id);
    expect(seen).toEqual([[0, {}, 7, { a: '1' }]]);
    expect(await running.image(id)).toMatchObject({
      minDisk: 7,
      virtualSize: 42,
      properties: { a: '1' },
    });
  });

  it('lets a change by the user meanwhile win over the draft', async () => {
    await using running = await engine({
      tasks: between({
        name: 'proposes',
        task: task(async ({ importId, image }) => {
          await running.database.write(async (tx) => {
            await tx.updateImage(
              image.id,
              { status: ['importing'] },
              { name: 'by the user', properties: { os: 'by the user' } },
              new Date(),
            );
            await tx.addUserPatched(importId, ['name', 'properties.os']);
          });
          return { draft: { name: 'by the task', properties: { os: 'by the task', b: '2' } } };
        }),
      }),
    });
    const id = await running.createImage();
    await running.run(id);
    expect(await running.image(id)).toMatchObject({
      name: 'by the user',
      properties: { os: 'by the user', b: '2' },
    });
  });

  it('does not run a task twice at once, nor another import of the same image', async () => {
    await using running = await engine({ tasks: between({ name: 'stuck', task: stuck() }) });
    const id = await running.createImage();
    const { id: importId } = await running.start(id);
    await expect(running.start(id)).rejects.toMatchObject({ code: 'IMPORT_RUNNING' });
    await running.imports.cancel(importId);
    expect((await running.ended(importId)).record.state).toBe('cancelled');
  });

  it('answers the same import for the same Idempotency-Key', async () => {
    await using running = await engine();
    const id = await running.createImage();
    const first = await running.start(id, { idempotencyKey: 'k' });
    const second = await running.start(id, { idempotencyKey: 'k' });
    expect(second.id).toBe(first.id);
    await running.ended(first.id);
    expect((await running.start(id, { idempotencyKey: 'k' })).id).toBe(first.id);
  });

  it('is one for requests with the same Idempotency-Key that come at once', async () => {
    await using running = await engine();
    const id = await running.createImage();
    const records = await Promise.all(
      Array.from({ length: 4 }, () => running.start(id, { idempotencyKey: 'k' })),
    );
    expect(new Set(records.map((record) => record.id)).size).toBe(1);
    expect(await running.database.read.imports({ imageId: id })).toHaveLength(1);
  });
});

describe('a failing task', () => {
  it('is tried again when the failure is transient, with the reason to be read meanwhile', async () => {
    let attempts = 0;
    await using running = await engine({
      tasks: between({
        name: 'flaky',
        task: task(({ attempt }) => {
          attempts = attempt;
          if (attempt < 3) throw new TransientError({ code: 'AWAY', message: 'The peer is away' });
          return Promise.resolve({});
        }),
      }),
    });
    const { record, tasks } = await running.run(await running.createImage());
    expect(record.state).toBe('succeeded');
    expect(attempts).toBe(3);
    expect(tasks[1]).toMatchObject({ attempt: 3, retries: 2, failure: null });
    const waits = (await running.database.read.events(record.id, 0, 100)).filter(
      ({ type }) => type === 'task.waiting',
    );
    expect(waits).toHaveLength(2);
    expect(waits[0]?.data['reason']).toMatch(/^Attempt 1 of 3 failed.*The peer is away$/);
  });

  it.each([-YEAR, YEAR])(
    'is tried again when the clock jumps by %d ms while it waits',
    async (jump) => {
      let offset = 0;
      const clock = { ...systemClock, now: () => new Date(Date.now() + offset) };
      const retry = { attempts: 3, backoffMs: 500, maxBackoffMs: 500 };
      await using running = await engine({
        clock,
        imports: { retry },
        tasks: between({
          name: 'flaky',
          task: task(({ attempt }) => {
            if (attempt === 1) throw new TransientError({ code: 'AWAY', message: 'away' });
            return Promise.resolve({});
          }),
        }),
      });
      const { id } = await running.start(await running.createImage());
      await untilEvent(running, id, 'task.waiting', 'flaky');
      offset = jump;
      expect((await running.ended(id)).record.state).toBe('succeeded');
    },
  );

  it('fails the import when its attempts are used up, and says so', async () => {
    await using running = await engine({
      tasks: between({
        name: 'flaky',
        task: task(() => {
          throw new TransientError({ code: 'AWAY', message: 'The peer is away' });
        }),
      }),
    });
    const id = await running.createImage();
    const { record, tasks } = await running.run(id);
    expect(record).toMatchObject({
      state: 'failed',
      failure: { class: 'transient', code: 'AWAY', task: 'flaky' },
    });
    expect(tasks.map(({ state }) => state)).toEqual(['succeeded', 'failed', 'cancelled']);
    expect(await running.image(id)).toMatchObject({ status: 'queued', size: null });
  });

  it('that throws what nobody foresaw is a bug, and the server lives on', async () => {
    await using running = await engine({
      tasks: between({
        name: 'broken',
        task: task(() => {
          throw new TypeError('x is not a function');
        }),
      }),
    });
    const { record } = await running.run(await running.createImage());
    expect(record.failure).toMatchObject({ class: 'bug', message: 'x is not a function' });
  });

  it('that does not end in time is ended', async () => {
    await using running = await engine({
      tasks: between({ name: 'slow', task: stuck(), entry: { timeoutMs: 20 } }),
    });
    const { record } = await running.run(await running.createImage());
    expect(record.failure).toMatchObject({ code: 'TASK_TIMEOUT', task: 'slow' });
  });

  it('may not write what belongs to another plugin', async () => {
    await using running = await engine({
      tasks: between(
        { name: 'owner', task: task(() => Promise.resolve({})), manifest: { properties: ['a_*'] } },
        {
          name: 'thief',
          task: task(() => Promise.resolve({ draft: { properties: { a_b: '1' } } })),
        },
      ),
    });
    const { record } = await running.run(await running.createImage());
    expect(record.failure).toMatchObject({ code: 'PROPERTY_CLAIMED', task: 'thief' });
  });
});

describe('bytes that were staged before the import', () => {
  it('are kept when a task fails, so that the import can be asked for again', async () => {
    let fails = true;
    await using running = await engine({
      tasks: between({
        name: 'fails once',
        task: task(() => {
          if (fails) throw new PermanentError({ code: 'BROKEN', message: 'Broken' });
          return Promise.resolve({});
        }),
      }),
    });
    const id = await running.createImage();
    await stage(running, id);
    const failed = await running.run(id, { method: 'glance-direct' });
    expect(failed.record.state).toBe('failed');
    expect((await running.image(id)).status).toBe('uploading');
    fails = false;
    const again = await running.imports.retry(failed.record.id, TEST_CALLER);
    expect((await running.ended(again.id)).record.state).toBe('succeeded');
    expect(await running.image(id)).toMatchObject({ status: 'active', osHashValue: sha512 });
  });

  it('are kept when the import is cancelled', async () => {
    await using running = await engine({ tasks: between({ name: 'stuck', task: stuck() }) });
    const id = await running.createImage();
    await stage(running, id);
    const { id: importId } = await running.start(id, { method: 'glance-direct' });
    await running.imports.cancel(importId);
    expect((await running.ended(importId)).record.state).toBe('cancelled');
    expect((await running.image(id)).status).toBe('uploading');
    await running.tidy();
    expect(await stagedFiles()).toHaveLength(1);
    await expect(running.imports.cancel(importId)).rejects.toMatchObject({
      code: 'IMPORT_FINISHED',
    });
  });

  it('are dropped when a rule refuses them', async () => {
    await using running = await engine({
      tasks: between({
        name: 'refuses',
        task: task(() => {
          throw new RejectedError({ code: 'REFUSED', message: 'Not here' });
        }),
      }),
    });
    const id = await running.createImage();
    await stage(running, id);
    await running.run(id, { method: 'glance-direct' });
    expect((await running.image(id)).status).toBe('queued');
    await running.tidy();
    expect(await stagedFiles()).toEqual([]);
  });

  it.each([
    ['bare', 'failed'],
    ['compressed', 'succeeded'],
  ] as const)(
    'that are a container become active as container_format %s: %s',
    async (containerFormat, state) => {
      const bytes = gzipSync(BYTES);
      await using running = await engine({
        source: () => Promise.resolve(bytesSource(bytes)),
      });
      const imageId = await running.createImage({ containerFormat });
      const { record } = await running.run(imageId);
      expect(record.state).toBe(state);
      const image = await running.image(imageId);
      if (state === 'succeeded') {
        expect(image).toMatchObject({ status: 'active', size: bytes.length });
        return;
      }
      expect(record.failure).toMatchObject({
        class: 'rejected',
        code: 'UNSAFE_IMAGE',
        details: { rule: 'container-as-disk' },
      });
      expect(image.status).toBe('queued');
      await running.tidy();
      expect(await stagedFiles()).toEqual([]);
      expect(await running.database.read.reservedBytes()).toBe(0);
    },
  );

  it('are kept when the announced checksum is wrong', async () => {
    await using running = await engine();
    const id = await running.createImage();
    await stage(running, id);
    const checksum = { algorithm: 'sha256', value: 'ab'.repeat(32) };
    const { record } = await running.run(id, { method: 'glance-direct', checksum });
    expect(record.failure).toMatchObject({ code: 'CHECKSUM_MISMATCH', class: 'integrity' });
    expect((await running.image(id)).status).toBe('uploading');
    const right = { algorithm: 'sha512', value: sha512.toUpperCase() };
    const again = await running.run(id, { method: 'glance-direct', checksum: right });
    expect(again.record.state).toBe('succeeded');
  });

  it('go with the image when it is deleted, and a second stage is refused before that', async () => {
    await using running = await engine();
    const id = await running.createImage();
    await stage(running, id);
    await expect(stage(running, id)).rejects.toMatchObject({ code: 'IMAGE_STATE' });
    expect((await running.image(id)).status).toBe('uploading');
    await running.removal.deleteImage(id);
    await running.tidy();
    expect(await stagedFiles()).toEqual([]);
    expect(await running.database.read.reservedBytes()).toBe(0);
  });
});

describe('deleting the image of a running import', () => {
  it('cancels it and leaves nothing', async () => {
    const store = new MemoryStore();
    await using running = await engine({
      stores: { one: store },
      tasks: [stageTask, storeTask, { name: 'stuck', task: stuck() }],
    });
    const id = await running.createImage();
    const { id: importId } = await running.start(id);
    for await (const update of running.imports.follow(importId, 0, AbortSignal.timeout(5_000))) {
      const data = update.kind === 'event' ? update.event.data : {};
      if (data['task'] === 'stuck') break;
    }
    await running.removal.deleteImage(id);
    const { record } = await running.ended(importId);
    expect(record).toMatchObject({ state: 'cancelled', failure: { code: 'IMAGE_DELETED' } });
    await running.tidy();
    expect(store.objects.size).toBe(0);
    expect(await stagedFiles()).toEqual([]);
    expect((await running.image(id)).status).toBe('deleted');
  });
});

describe('an upload', () => {
  const begin = (running: TestEngine, imageId: string): Promise<ImportRecord> =>
    running.part(Intake).begin({ imageId, method: 'upload', params: {}, caller: TEST_CALLER });

  it('is left to the request that has its body, whoever wakes the scheduler before', async () => {
    await using running = await engine();
    const { id } = await begin(running, await running.createImage());
    await running.run(await running.createImage());
    expect(await running.database.read.import(id)).toMatchObject({ state: 'pending' });
    const body = { stream: Readable.from([BYTES]), size: BYTES.length };
    running.part(Scheduler).launch(id, body);
    expect((await running.ended(id)).record).toMatchObject({ state: 'succeeded', failure: null });
  });

  it('of an earlier life ends by itself, since its client is gone', async () => {
    const before = await engine();
    const imageId = await before.createImage();
    const { id } = await begin(before, imageId);
    await before[Symbol.asyncDispose]();
    await using after = await engine();
    expect((await after.ended(id)).record.state).toBe('failed');
    expect((await after.image(imageId)).status).toBe('queued');
  });
});

describe('reverts', () => {
  it('run in reverse order for every task that may have had effects', async () => {
    const reverted: string[] = [];
    const effect = (name: string): TestTask => ({
      name,
      task: task(() => Promise.resolve({ output: { made: name } }), {
        revert: ({ output }) => {
          reverted.push(`${name} ${JSON.stringify(output?.['made'])}`);
          return Promise.resolve();
        },
      }),
    });
    await using running = await engine({
      tasks: between(effect('a'), effect('b'), {
        name: 'fails',
        task: task(
          () => {
            throw new PermanentError({ code: 'BROKEN', message: 'Broken' });
          },
          {
            revert: ({ output }) => {
              reverted.push(`fails ${JSON.stringify(output)}`);
              return Promise.resolve();
            },
          },
        ),
      }),
    });
    const { tasks } = await running.run(await running.createImage());
    expect(reverted).toEqual(['fails undefined', 'b "b"', 'a "a"']);
    expect(tasks.map(({ state }) => state)).toEqual([
      'succeeded',
      'reverted',
      'reverted',
      'reverted',
      'cancelled',
    ]);
  });

  it('that fail are visible, keep the image usable, and can be retried', async () => {
    let broken = true;
    await using running = await engine({
      tasks: between({
        name: 'stubborn',
        task: task(
          () => {
            throw new PermanentError({ code: 'BROKEN', message: 'Broken' });
          },
          {
            revert: () =>
              broken
                ? Promise.reject(new PermanentError({ code: 'STILL', message: 'Still there' }))
                : Promise.resolve(),
          },
        ),
      }),
    });
    const id = await running.createImage();
    const { record, tasks } = await running.run(id);
    expect(record.state).toBe('revert_failed');
    expect(tasks[1]).toMatchObject({ state: 'revert_failed', failure: { code: 'STILL' } });
    expect((await running.image(id)).status).toBe('queued');
    broken = false;
    await running.imports.retry(record.id, TEST_CALLER);
    const again = await running.imports.finished(record.id, AbortSignal.timeout(5_000));
    expect(again.state).toBe('failed');
  });
});

describe('an import that has failed and is being undone', () => {
  /** Fails, and is undone when `undone` is resolved. */
  function failing(undone: Promise<void>): TestTask {
    const failure = new PermanentError({ code: 'BROKEN', message: 'Broken' });
    return { name: 'fails', task: task(() => Promise.reject(failure), { revert: () => undone }) };
  }

  it('refuses a cancel, with the failure, and ends as it would have', async () => {
    const undone = gate();
    await using running = await engine({ tasks: between(failing(undone.opened)) });
    const { id } = await running.start(await running.createImage());
    await untilEvent(running, id, 'task.reverting', 'fails');
    await expect(running.imports.cancel(id)).rejects.toMatchObject({
      code: 'IMPORT_REVERTING',
      message: expect.stringContaining('Broken') as string,
    });
    undone.open();
    const { record } = await running.ended(id);
    expect(record).toMatchObject({ state: 'failed', cancel: null, failure: { code: 'BROKEN' } });
  });

  it('keeps nothing of an image that is deleted meanwhile', async () => {
    const undone = gate();
    await using running = await engine({ tasks: between(failing(undone.opened)) });
    const imageId = await running.createImage();
    await stage(running, imageId);
    const { id } = await running.start(imageId, { method: 'glance-direct' });
    await untilEvent(running, id, 'task.reverting', 'fails');
    await running.removal.deleteImage(imageId);
    undone.open();
    expect((await running.ended(id)).record).toMatchObject({ state: 'failed', cancel: null });
    await running.tidy();
    expect(await stagedFiles()).toEqual([]);
    expect(await running.database.read.reservedBytes()).toBe(0);
  });

  it('is cancelled where the cancel was accepted before its task failed', async () => {
    let cancel: () => Promise<void> = () => Promise.resolve();
    await using running = await engine({
      tasks: between({
        name: 'fails',
        task: task(async () => {
          await cancel();
          throw new PermanentError({ code: 'BROKEN', message: 'Broken' });
        }),
      }),
    });
    const imageId = await running.createImage();
    cancel = async () => {
      const live = await running.database.read.liveImport(imageId);
      await running.imports.cancel(live?.id ?? '');
    };
    const { record } = await running.run(imageId);
    expect(record).toMatchObject({ state: 'cancelled', failure: { code: 'IMPORT_CANCELLED' } });
  });

  it('takes a cancel that is asked for twice', async () => {
    const undone = gate();
    const stubborn: TestTask = {
      name: 'stubborn',
      task: { ...stuck(), revert: () => undone.opened },
    };
    await using running = await engine({ tasks: between(stubborn) });
    const { id } = await running.start(await running.createImage());
    await untilEvent(running, id, 'task.running', 'stubborn');
    await running.imports.cancel(id);
    await untilEvent(running, id, 'task.reverting', 'stubborn');
    await running.imports.cancel(id);
    undone.open();
    expect((await running.ended(id)).record.state).toBe('cancelled');
  });
});

/** A store whose writes end only by their signal. */
function stuckStore(begun: () => void): MemoryStore {
  const store = new MemoryStore();
  store.write = (_, source, options) =>
    new Promise((_resolve, reject) => {
      source.resume();
      begun();
      options.signal.addEventListener('abort', () => {
        reject(options.signal.reason as Error);
      });
    });
  return store;
}

describe('several stores', () => {
  const down = new MemoryStore((act) => {
    if (act === 'write') throw new PermanentError({ code: 'STORE_BROKEN', message: 'Broken' });
  });

  it('all get the image', async () => {
    const stores = { one: new MemoryStore(), two: new MemoryStore() };
    await using running = await engine({ stores });
    const id = await running.createImage();
    await running.run(id, { allStores: true });
    expect([stores.one.objects.size, stores.two.objects.size]).toEqual([1, 1]);
  });

  it('undo all when one fails', async () => {
    const one = new MemoryStore();
    await using running = await engine({ stores: { one, two: down } });
    const id = await running.createImage();
    const { record } = await running.run(id, { stores: ['one', 'two'] });
    expect(record.failure).toMatchObject({ code: 'STORE_BROKEN', store: 'two' });
    await running.tidy();
    expect(one.objects.size).toBe(0);
  });

  it('may fail one by one where the request allows it', async () => {
    const one = new MemoryStore();
    await using running = await engine({ stores: { one, two: down } });
    const id = await running.createImage();
    const request = { stores: ['two', 'one'], allStoresMustSucceed: false };
    const { record, tasks } = await running.run(id, request);
    expect(record.state).toBe('succeeded');
    expect(tasks.map(({ store, state }) => `${store ?? ''} ${state}`)).toEqual([
      ' succeeded',
      'two failed',
      'one succeeded',
    ]);
    expect((await running.image(id)).status).toBe('active');
  });

  /** A store that fails for now until it is told otherwise. */
  function flaky(): { readonly store: MemoryStore; recover(): void } {
    let isDown = true;
    const store = new MemoryStore((act) => {
      if (act === 'write' && isDown) {
        throw new TransientError({ code: 'STORE_UNAVAILABLE', message: 'Away' });
      }
    });
    return {
      store,
      recover: () => {
        isDown = false;
      },
    };
  }

  it('are tried again alone, while another one is at work', async () => {
    const away = flaky();
    const slow = new MemoryStore();
    const write = slow.write.bind(slow);
    const retried = gate();
    slow.write = async (...args) => {
      await retried.opened;
      return write(...args);
    };
    const fast = new MemoryStore();
    const retry = { attempts: 1_000, backoffMs: 1, maxBackoffMs: 2 };
    await using running = await engine({
      stores: { away: away.store, slow, fast },
      imports: { retry },
    });
    const id = await running.createImage();
    const { id: importId } = await running.start(id, { allStores: true });
    for await (const update of running.imports.follow(importId, 0, AbortSignal.timeout(20_000))) {
      if (update.kind !== 'event') continue;
      const { type, data } = update.event;
      if (type === 'task.running' && data['store'] === 'away' && data['attempt'] === 3) {
        away.recover();
      }
      if (type === 'task.succeeded' && data['store'] === 'away') retried.open();
    }
    const { record, tasks } = await running.ended(importId);
    expect(record.state).toBe('succeeded');
    const attempts = tasks.filter(({ store }) => store !== 'away').map(({ attempt }) => attempt);
    expect(attempts).toEqual([1, 1, 1]);
  });

  it('are stopped when one fails for all, and leave nothing', async () => {
    const begun = gate();
    const broken = new MemoryStore();
    broken.write = async () => {
      await begun.opened;
      throw new PermanentError({ code: 'STORE_BROKEN', message: 'Broken' });
    };
    await using running = await engine({
      stores: {
        stuck: stuckStore(() => {
          begun.open();
        }),
        broken,
      },
    });
    const id = await running.createImage();
    const { record, tasks } = await running.run(id, { allStores: true });
    expect(record).toMatchObject({ state: 'failed', failure: { store: 'broken' } });
    expect(tasks.map(({ state }) => state)).toEqual(['succeeded', 'cancelled', 'failed']);
    expect((await running.image(id)).status).toBe('queued');
    await running.tidy();
    expect(await running.database.read.locations({ imageId: id })).toEqual([]);
    expect(await stagedFiles()).toEqual([]);
  });

  it('are cancelled together, while one is at work and another waits', async () => {
    const begun = gate();
    const retry = { attempts: 5, backoffMs: 60_000, maxBackoffMs: 60_000 };
    await using running = await engine({
      stores: {
        away: flaky().store,
        stuck: stuckStore(() => {
          begun.open();
        }),
      },
      imports: { retry },
    });
    const id = await running.createImage();
    const { id: importId } = await running.start(id, { allStores: true });
    await begun.opened;
    await running.imports.cancel(importId);
    const { record } = await running.ended(importId);
    expect(record).toMatchObject({ state: 'cancelled', failure: { code: 'IMPORT_CANCELLED' } });
    expect((await running.image(id)).status).toBe('queued');
  });

  it('keep one place of their entry, so that a limit of one import does not stop them', async () => {
    const stores = { one: new MemoryStore(), two: new MemoryStore() };
    const limited = { ...storeTask, entry: { concurrency: 1 } };
    await using running = await engine({ stores, tasks: [stageTask, limited] });
    const images = await Promise.all([running.createImage(), running.createImage()]);
    await Promise.all(images.map((id) => running.run(id, { allStores: true })));
    expect([stores.one.objects.size, stores.two.objects.size]).toEqual([2, 2]);
  });

  it('are skipped where a task before has put the image there by itself', async () => {
    const one = new MemoryStore();
    const cloned: TestTask = {
      name: 'clone',
      task: task(() => Promise.resolve({ locations: [{ store: 'one', url: 'memory:cloned' }] })),
    };
    await using running = await engine({ stores: { one }, tasks: between(cloned) });
    const id = await running.createImage();
    const { tasks } = await running.run(id);
    expect(tasks[2]).toMatchObject({
      state: 'skipped',
      reason: 'The image is in store "one" already',
    });
    expect(one.objects.size).toBe(0);
    const locations = await running.database.read.locations({ imageId: id });
    expect(locations).toMatchObject([{ url: 'memory:cloned', state: 'active' }]);
  });

  it('are skipped where the method names a location, whose sizes the image then has', async () => {
    const one = new MemoryStore();
    const source = {
      kind: 'location',
      store: 'one',
      url: 'memory:theirs',
      size: 3 * 2 ** 30,
      virtualSize: 4 * 2 ** 30,
    } as const;
    await using running = await engine({
      stores: { one },
      tasks: [{ ...stageTask, task: new StageTask() }, storeTask],
      source: () => Promise.resolve(source),
    });
    const id = await running.createImage();
    const { record } = await running.run(id, { method: 'elsewhere' });
    expect(record).toMatchObject({ state: 'succeeded', failure: null });
    expect(await running.image(id)).toMatchObject({
      status: 'active',
      size: source.size,
      virtualSize: source.virtualSize,
      osHashValue: null,
    });
    expect(one.objects.size).toBe(0);
  });

  it('must not all fail', async () => {
    await using running = await engine({ stores: { two: down } });
    const id = await running.createImage();
    const { record } = await running.run(id, { allStoresMustSucceed: false });
    expect(record).toMatchObject({ state: 'failed', failure: { code: 'STORE_BROKEN' } });
  });
});

describe('staging', () => {
  it('refuses at once what can never fit, with the numbers', async () => {
    await using running = await engine({
      staging: { capacity: 100_000, reserve: 0.2 },
      tasks: between({
        name: 'huge',
        task: task(() => Promise.resolve({}), { workspace: () => 200_000 }),
      }),
    });
    const { record } = await running.run(await running.createImage());
    expect(record.failure).toMatchObject({ code: 'STAGING_TOO_SMALL', class: 'capacity' });
    expect(record.failure?.message).toContain('the whole capacity is');
  });

  it('makes a task wait for room, says why, and goes on when there is some', async () => {
    const held = gate();
    const holds: TestTask = {
      name: 'works',
      task: task(
        async () => {
          await held.opened;
          return {};
        },
        { workspace: () => 60_000 },
      ),
    };
    await using running = await engine({
      staging: { capacity: 100_000, reserve: 0.1 },
      tasks: between(holds),
    });
    const first = await running.start(await running.createImage());
    await untilEvent(running, first.id, 'task.running', 'works');
    const second = await running.start(await running.createImage());
    const reason = await untilEvent(running, second.id, 'task.waiting', 'works');
    expect(reason).toMatch(/^Needs .* of staging/);
    held.open();
    expect((await running.ended(first.id)).record.state).toBe('succeeded');
    expect((await running.ended(second.id)).record.state).toBe('succeeded');
  });

  describe('for a stream of unknown length that a task makes', () => {
    const MIB = 2 ** 20;
    const staging = { capacity: 4 * MIB, reserve: 0.25 };
    const makes = (size: number): TestTask => ({
      name: 'makes',
      manifest: { replacesData: true },
      task: task(async (context) => {
        const open = () => Promise.resolve(Readable.from(pieces(size)));
        const source = { kind: 'stream', size: undefined, validator: undefined } as const;
        const made = await context.stage({ ...source, resumable: false, open });
        return { output: { generation: made?.generation, size: made?.size } };
      }),
    });
    function* pieces(size: number): Generator<Buffer> {
      for (let left = size; left > 0; left -= 65_536) yield randomBytes(Math.min(left, 65_536));
    }

    it('grows as the bytes come, into the share that is kept from new bytes', async () => {
      const store = new MemoryStore();
      await using running = await engine({
        staging,
        tasks: between(makes(3 * MIB)),
        stores: { one: store },
      });
      const imageId = await running.createImage();
      const { record, tasks } = await running.run(imageId);
      expect(record.failure).toBeNull();
      expect(tasks[1]?.output).toEqual({ generation: 1, size: 3 * MIB });
      expect((await running.image(imageId)).size).toBe(3 * MIB);
      await running.tidy();
      expect(await running.database.read.reservedBytes()).toBe(0);
    });

    it('ends at once with the numbers where it can never fit, and leaves nothing', async () => {
      await using running = await engine({ staging, tasks: between(makes(5 * MIB)) });
      const { record } = await running.run(await running.createImage());
      expect(record.failure).toMatchObject({ code: 'STAGING_TOO_SMALL', task: 'makes' });
      expect(record.failure?.message).toMatch(/^Needs .* the whole capacity is 4 MiB$/);
      await running.tidy();
      expect(await stagedFiles()).toEqual([]);
      expect(await running.database.read.reservedBytes()).toBe(0);
    });

    it('waits with the numbers until others have given back', async () => {
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const holds: TestTask = {
        name: 'holds',
        entry: { when: { property: { holds: ['yes'] } } },
        task: task(() => held.then(() => ({})), { workspace: () => 2 * MIB }),
      };
      await using running = await engine({
        staging,
        imports: { retry: { attempts: 10_000, backoffMs: 1, maxBackoffMs: 5 } },
        tasks: between(holds, makes(3 * MIB)),
      });
      const first = await running.start(
        await running.createImage({ properties: { holds: 'yes' } }),
      );
      await untilEvent(running, first.id, 'task.running', 'holds');
      const second = await running.start(await running.createImage());
      const reason = await untilEvent(running, second.id, 'task.waiting', 'makes');
      expect(reason).toMatch(/Needs .* of staging, .* of 4 MiB in all are taken$/);
      release();
      for (const { id } of [first, second]) {
        expect((await running.ended(id)).record.failure).toBeNull();
      }
    });
  });

  it('is begun although older ones are tried again and again, each time at once', async () => {
    const fails: TestTask = {
      name: 'fails',
      entry: { when: { property: { fails: ['yes'] } } },
      task: task(() => Promise.reject(new TransientError({ code: 'AWAY', message: 'Away' }))),
    };
    const retry = { attempts: 1_000_000, backoffMs: 1, maxBackoffMs: 1 };
    await using running = await engine({
      tasks: between(fails),
      imports: { concurrency: 1, retry },
    });
    for (let older = 0; older < 6; older += 1) {
      await running.start(await running.createImage({ properties: { fails: 'yes' } }));
    }
    const { record } = await running.run(await running.createImage());
    expect(record.state).toBe('succeeded');
  });

  it('has the workspace of a task back when its success is known', async () => {
    let held: unknown;
    const works: TestTask = {
      name: 'works',
      task: task(
        async (context) => {
          await writeFile(await context.workspacePath('scratch'), 'x');
          return {};
        },
        { workspace: () => 60_000 },
      ),
    };
    const looks: TestTask = {
      name: 'looks',
      task: task(async () => {
        const reservations = await running.database.read.reservations();
        const work = await readdir(path.join(directory.path, 'staging', 'work'));
        const bytes = reservations.filter(({ purpose }) => purpose === 'workspace');
        held = [bytes.map((entry) => entry.bytes), work];
        return {};
      }),
    };
    await using running = await engine({ tasks: between(works, looks) });
    expect((await running.run(await running.createImage())).record.failure).toBeNull();
    expect(held).toEqual([[0], []]);
  });

  it('refuses an upload at once when it is full, and asks to come back', async () => {
    await using running = await engine({ staging: { capacity: 5_000, reserve: 0 } });
    const first = await running.createImage();
    const { signal } = new AbortController();
    const upload = (imageId: string): Promise<void> =>
      running.uploads.stage({
        imageId,
        caller: TEST_CALLER,
        body: { stream: Readable.from([BYTES]), size: BYTES.length },
        signal,
      });
    await upload(first);
    const second = await running.createImage();
    await expect(upload(second)).rejects.toMatchObject({ code: 'STAGING_FULL', retryAfter: 30 });
    expect((await running.image(second)).status).toBe('queued');
    await running.removal.deleteImage(first);
    await running.tidy();
    await upload(second);
  });
});

describe('concurrency of an entry', () => {
  it('lets no more imports in than configured, and all through in the end', async () => {
    let inside = 0;
    let most = 0;
    const narrow: TestTask = {
      name: 'narrow',
      entry: { concurrency: 2 },
      task: task(async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        return {};
      }),
    };
    await using running = await engine({ tasks: between(narrow), imports: { concurrency: 8 } });
    const started = await Promise.all(
      Array.from({ length: 10 }, async () => running.start(await running.createImage())),
    );
    const ended = await Promise.all(started.map(({ id }) => running.ended(id)));
    expect(ended.map(({ record }) => record.state)).toEqual(Array(10).fill('succeeded'));
    expect(most).toBeLessThanOrEqual(2);
  });
});

describe('observers', () => {
  it('see every byte once, in the pass that brings it', async () => {
    const seen: number[] = [];
    const watching: TestTask = {
      name: 'watches',
      task: {
        observe: () => {
          let bytes = 0;
          return {
            update: (chunk) => {
              bytes += chunk.length;
            },
            finish: () => {
              seen.push(bytes);
              return { bytes };
            },
          };
        },
        execute: ({ observation }) =>
          Promise.resolve({ draft: { properties: { seen: JSON.stringify(observation) } } }),
      },
    };
    await using running = await engine({ tasks: between(watching) });
    const id = await running.createImage();
    await running.run(id);
    expect(seen).toEqual([BYTES.length]);
    expect((await running.image(id)).properties).toEqual({ seen: `{"bytes":${BYTES.length}}` });
  });

  it('that fail do not stop the bytes; the task then fails with their reason', async () => {
    const broken: TestTask = {
      name: 'broken',
      task: {
        observe: () => ({
          update: () => {
            throw new Error('cannot look');
          },
          finish: () => null,
        }),
        execute: () => Promise.resolve({}),
      },
    };
    await using running = await engine({ tasks: between(broken) });
    const { record, tasks } = await running.run(await running.createImage());
    expect(tasks[0]?.state).toBe('succeeded');
    expect(record.failure).toMatchObject({ code: 'OBSERVER_FAILED', task: 'broken' });
  });
});

describe('a restart', () => {
  it('goes on with the task that was running, with its checkpoint', async () => {
    const resumed: unknown[] = [];
    const tasks = between({
      name: 'long',
      task: task(async (context) => {
        resumed.push([context.attempt, context.resumeFrom]);
        if (context.attempt === 2) return {};
        await context.checkpoint({ at: 5 });
        return stuck().execute(context);
      }),
    });
    const store = new MemoryStore();
    const first = await engine({ tasks, stores: { one: store }, stopDeadlineMs: 0 });
    const id = await first.createImage();
    const { id: importId } = await first.start(id);
    await untilCheckpoint(first, importId);
    // The deadline of the stop passes while the task is stuck; its row stays "running".
    await first[Symbol.asyncDispose]();
    await using second = await engine({ tasks, stores: { one: store } });
    expect((await second.ended(importId)).record.state).toBe('succeeded');
    expect(resumed).toEqual([
      [1, undefined],
      [2, { at: 5 }],
    ]);
    expect((await second.image(id)).status).toBe('active');
  }, 20_000);

  it('continues a source that can be resumed from what is durable', async () => {
    const big = randomBytes(5 * 1024 * 1024);
    const offsets: number[] = [];
    // It says when to come back, so the same attempt does not go on by itself.
    const away = new TransientError({
      ...{ code: 'SOURCE_UNREACHABLE', message: 'no answer', retryAfterMs: 0 },
    });
    await using running = await engine({
      source: () =>
        Promise.resolve({
          kind: 'stream',
          size: big.length,
          validator: 'same',
          resumable: true,
          open: (offset) => {
            offsets.push(offset);
            if (offsets.length === 2) return Promise.reject(away);
            if (offsets.length > 2) return Promise.resolve(Readable.from([big.subarray(offset)]));
            return Promise.resolve(
              Readable.from(
                (async function* () {
                  for (let at = 0; at < 3_500_000; at += 65_536) {
                    await new Promise((resolve) => setImmediate(resolve));
                    yield big.subarray(at, at + 65_536);
                  }
                  throw new Error('connection reset');
                })(),
              ),
            );
          },
        }),
    });
    const id = await running.createImage();
    const { record } = await running.run(id);
    expect(record.failure).toBeNull();
    expect(offsets).toHaveLength(3);
    expect(offsets[0]).toBe(0);
    expect(offsets[1]).toBeGreaterThan(0);
    expect(offsets[2]).toBeGreaterThan(0);
    // What waited for the pass when its source was gone is asked for again.
    expect(offsets[2]).toBeLessThanOrEqual(offsets[1] ?? 0);
    expect((await running.image(id)).osHashValue).toBe(
      createHash('sha512').update(big).digest('hex'),
    );
  });

  it('does not go on with bytes that were whole before their task was', async () => {
    const staged: TestTask = {
      ...stageTask,
      task: task(async (context) => {
        await context.stage(await context.source());
        if (context.attempt > 1) return {};
        const { importId } = context;
        const [whole] = await running.database.read.generations({ importId });
        const state = { state: ['ready'] } as const;
        const durable = BYTES.length;
        await running.database.write((tx) =>
          tx.updateGeneration(whole?.id ?? '', state, { durable }),
        );
        throw new TransientError({ code: 'AWAY', message: 'The peer is away' });
      }),
    };
    await using running = await engine({ tasks: [staged, storeTask] });
    const id = await running.createImage();
    expect((await running.run(id)).record.failure).toBeNull();
    expect(await running.image(id)).toMatchObject({ status: 'active', osHashValue: sha512 });
    await running.tidy();
    expect(await stagedFiles()).toEqual([]);
  });

  it('starts over when the source has changed meanwhile', async () => {
    const offsets: number[] = [];
    let attempt = 0;
    await using running = await engine({
      source: () => {
        attempt += 1;
        const content = Buffer.alloc(200_000, attempt === 1 ? 'a' : 'b');
        return Promise.resolve({
          ...(bytesSource(content) as Extract<ReturnType<typeof bytesSource>, { kind: 'stream' }>),
          validator: `v${attempt}`,
          open: (offset: number) => {
            offsets.push(offset);
            if (attempt > 1) return Promise.resolve(Readable.from([content.subarray(offset)]));
            return Promise.resolve(
              Readable.from(
                (function* () {
                  yield content.subarray(0, 150_000);
                  throw new Error('connection reset');
                })(),
              ),
            );
          },
        });
      },
    });
    const id = await running.createImage();
    await running.run(id);
    expect(offsets).toEqual([0, 0]);
    expect((await running.image(id)).osHashValue).toBe(
      createHash('sha512').update(Buffer.alloc(200_000, 'b')).digest('hex'),
    );
  });
});

async function untilEvent(
  running: TestEngine,
  importId: string,
  type: string,
  name: string,
): Promise<unknown> {
  for await (const update of running.imports.follow(importId, 0, AbortSignal.timeout(10_000))) {
    if (update.kind !== 'event') continue;
    if (update.event.type === type && update.event.data['task'] === name) {
      return update.event.data['reason'];
    }
  }
  throw new Error(`No ${type} of ${name}`);
}

async function untilCheckpoint(running: TestEngine, importId: string): Promise<void> {
  for (;;) {
    const tasks = await running.database.read.tasks(importId);
    if (tasks.some(({ checkpoint }) => checkpoint !== null)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Sends the bytes before the import. */
async function stage(running: TestEngine, id: string): Promise<void> {
  const stream = Readable.from([BYTES]);
  const body = { stream, size: BYTES.length };
  const { signal } = new AbortController();
  await running.uploads.stage({ imageId: id, caller: TEST_CALLER, body, signal });
}
