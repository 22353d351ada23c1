import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '../../../core/base/errors.js';
import { Quotas } from '../../../core/engine/bytes/quotas.js';
import type { QuotaLimits, QuotaName } from '../../../core/image/quota.js';
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

const SIZE = BYTES.length;
const MIB = 1024 * 1024;

let directory: Awaited<ReturnType<typeof tempDir>>;
beforeEach(async () => {
  directory = await tempDir();
});
afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

function engine(
  defaults: QuotaLimits,
  options: Partial<TestEngineOptions> = {},
): Promise<TestEngine> {
  return TestEngine.start({
    dataDir: directory.path,
    tasks: [stageTask, storeTask],
    stores: { one: new MemoryStore(), two: new MemoryStore() },
    quotas: { source: 'config', defaults, projects: {} },
    ...options,
  });
}

async function usage(running: TestEngine): Promise<Partial<Record<QuotaName, number>>> {
  const report = await running.part(Quotas).report('p');
  return Object.fromEntries(report.map(({ name, usage: taken }) => [name, taken]));
}

function stage(running: TestEngine, imageId: string, bytes: Uint8Array, size?: number) {
  return running.uploads.stage({
    imageId,
    caller: TEST_CALLER,
    body: { stream: Readable.from([bytes]), size },
    signal: new AbortController().signal,
  });
}

const QUOTA = { class: 'capacity', code: 'QUOTA_EXCEEDED' };

describe('the quota of image data', () => {
  it('is shared out to the byte among imports at once, and what is refused leaves nothing', async () => {
    await using running = await engine({ image_size_total: 3 * SIZE });
    const ids = await Promise.all(Array.from({ length: 8 }, () => running.createImage()));
    const ends = await Promise.all(ids.map((id) => running.run(id)));
    const done = ends.filter(({ record }) => record.state === 'succeeded');
    expect(done).toHaveLength(3);
    for (const { record } of ends.filter((end) => !done.includes(end))) {
      expect(record).toMatchObject({ state: 'failed', failure: QUOTA });
      expect(await running.image(record.imageId)).toMatchObject({ status: 'queued', size: null });
    }
    expect(await usage(running)).toEqual({
      image_size_total: 3 * SIZE,
      image_stage_total: 0,
      image_count_total: 8,
      image_count_uploading: 0,
    });
  });

  it('says the numbers', async () => {
    await using running = await engine({ image_size_total: SIZE - 1 });
    const { record } = await running.run(await running.createImage());
    expect(record.failure).toMatchObject({
      ...QUOTA,
      message:
        'The project has 0 B of the 4 KiB that its quota "image_size_total" allows; this would make 4 KiB',
      details: { quota: 'image_size_total', usage: 0, limit: SIZE - 1, wanted: SIZE },
    });
  });

  it('counts each store, and gives back what is deleted', async () => {
    await using running = await engine({ image_size_total: 3 * SIZE });
    const first = await running.createImage();
    await running.run(first, { stores: ['one', 'two'] });
    expect((await usage(running)).image_size_total).toBe(2 * SIZE);
    const second = await running.createImage();
    const refused = await running.run(second, { stores: ['one', 'two'] });
    expect(refused.record.failure).toMatchObject(QUOTA);
    await running.removal.deleteImage(first);
    expect((await usage(running)).image_size_total).toBe(0);
    const again = await running.run(second, { stores: ['one', 'two'] });
    expect(again.record.state).toBe('succeeded');
  });

  it('refuses the import of staged data and keeps them', async () => {
    await using running = await engine({ image_size_total: SIZE });
    const id = await running.createImage();
    await stage(running, id, BYTES, SIZE);
    await expect(
      running.start(id, { method: 'glance-direct', stores: ['one', 'two'] }),
    ).rejects.toMatchObject(QUOTA);
    expect(await running.image(id)).toMatchObject({ status: 'uploading', size: SIZE });
    const { record } = await running.run(id, { method: 'glance-direct', stores: ['one'] });
    expect(record.state).toBe('succeeded');
  });

  it('holds for what a task makes of the data', async () => {
    const growing: TestTask = {
      name: 'grow',
      manifest: { replacesData: true },
      task: {
        workspace: () => 10 * SIZE,
        execute: async (context) => {
          const file = await context.workspacePath('grown');
          await writeFile(file, randomBytes(2 * SIZE));
          await context.adopt(file);
          return {};
        },
      },
    };
    await using running = await engine(
      { image_size_total: 2 * SIZE - 1 },
      { tasks: [stageTask, growing, storeTask] },
    );
    const id = await running.createImage();
    await stage(running, id, BYTES, SIZE);
    const { record } = await running.run(id, { method: 'glance-direct' });
    expect(record).toMatchObject({ state: 'failed', failure: { ...QUOTA, task: 'grow' } });
    expect(await running.image(id)).toMatchObject({ status: 'uploading', size: SIZE });
  });

  it('holds for data that move elsewhere', async () => {
    const clone: TestTask = {
      name: 'clone',
      task: {
        execute: () =>
          Promise.resolve({ size: SIZE, locations: [{ store: 'one', url: 'memory:elsewhere' }] }),
      },
    };
    await using running = await engine({ image_size_total: SIZE - 1 }, { tasks: [clone] });
    const id = await running.createImage();
    const { record } = await running.run(id, { method: 'elsewhere' });
    expect(record).toMatchObject({ state: 'failed', failure: QUOTA });
    expect((await running.image(id)).status).toBe('queued');
  });

  it('lets a stream of unknown length take what is left, and not a byte more', async () => {
    await using running = await engine({ image_stage_total: 3 * MIB });
    const fits = await running.createImage();
    await stage(running, fits, randomBytes(2 * MIB));
    expect((await usage(running)).image_stage_total).toBe(2 * MIB);
    const last = await running.createImage();
    await expect(stage(running, last, randomBytes(MIB + 1))).rejects.toMatchObject(QUOTA);
    expect((await running.image(last)).status).toBe('queued');
    await stage(running, last, randomBytes(MIB));
    expect((await usage(running)).image_stage_total).toBe(3 * MIB);
  });
});

describe('the quota of uploads', () => {
  it('counts those that wait or run, and refuses one more', async () => {
    const held = gate();
    await using running = await engine(
      { image_count_uploading: 2 },
      {
        source: async () => {
          await held.opened;
          return bytesSource(BYTES);
        },
      },
    );
    const [one, two, three] = await Promise.all([0, 1, 2].map(() => running.createImage()));
    const first = await running.start(one ?? '');
    const second = await running.start(two ?? '');
    await expect(running.start(three ?? '')).rejects.toMatchObject({
      ...QUOTA,
      details: { quota: 'image_count_uploading', usage: 2, limit: 2, wanted: 3 },
    });
    expect((await running.image(three ?? '')).status).toBe('queued');
    held.open();
    await Promise.all([running.ended(first.id), running.ended(second.id)]);
    expect((await running.run(three ?? '')).record.state).toBe('succeeded');
  });
});

describe('limits', () => {
  it('that cannot be asked for when the bytes are there cost no byte', async () => {
    let asked = 0;
    await using running = await engine(
      {},
      {
        limits: {
          isOff: false,
          limitsOf: () => {
            asked += 1;
            if (asked === 1) return Promise.resolve({ image_stage_total: 2 * MIB });
            return Promise.reject(
              new TransientError({ code: 'KEYSTONE_UNREACHABLE', message: 'away' }),
            );
          },
        },
      },
    );
    const id = await running.createImage();
    await stage(running, id, randomBytes(2 * MIB));
    expect(await running.image(id)).toMatchObject({ status: 'uploading', size: 2 * MIB });
    const next = await running.createImage();
    await expect(stage(running, next, BYTES)).rejects.toMatchObject({
      code: 'KEYSTONE_UNREACHABLE',
    });
    expect((await running.image(next)).status).toBe('queued');
  });

  it('are a project’s own where it has them, and none where they are lifted', async () => {
    await using running = await engine(
      {},
      {
        quotas: {
          source: 'config',
          defaults: { image_size_total: 0 },
          projects: { p: { image_size_total: SIZE }, rich: { image_size_total: null } },
        },
      },
    );
    const end = async (owner: string | null) =>
      (await running.run(await running.createImage({ owner }))).record.state;
    expect(await end('p')).toBe('succeeded');
    expect(await end('p')).toBe('failed');
    expect([await end('rich'), await end('rich')]).toEqual(['succeeded', 'succeeded']);
    expect(await end('other')).toBe('failed');
    expect(await end(null)).toBe('succeeded');
  });

  it('that were lowered let what is beyond them stay and go', async () => {
    const kept = await (async () => {
      await using before = await engine({ image_size_total: 2 * SIZE });
      const id = await before.createImage();
      await before.run(id);
      return id;
    })();
    await using running = await engine({ image_size_total: 1 });
    const { record } = await running.run(await running.createImage());
    expect(record.failure).toMatchObject(QUOTA);
    expect((await running.image(kept)).status).toBe('active');
    await running.removal.deleteImage(kept);
    expect((await usage(running)).image_size_total).toBe(0);
  });
});
