import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/base/clock.js';
import { PermanentError, TransientError } from '../../../core/base/errors.js';
import type { ImageVolume } from '../../../core/engine/image-volume.js';
import { ImageVolumes } from '../../../core/engine/service.js';
import type {
  CloneOrigin,
  CloningStore,
  MadeVolume,
  StoredObject,
  VolumeStore,
  VolumeWish,
} from '../../../core/plugin/contract/store.js';
import { TestEngine, stageTask, storeTask } from '../../support/engine.js';
import type { TestTask } from '../../support/engine.js';
import { MemoryStore } from '../../support/memory-store.js';
import { StageTask } from '../../../plugins/stage/stage-task.js';
import { tempDir } from '../../support/temp-dir.js';

/** A storage that can clone and holds volumes, in memory; `fail` throws what is to go wrong. */
class VolumesInMemory extends MemoryStore implements CloningStore, VolumeStore {
  readonly volumes = new Map<string, VolumeWish>();
  readonly discarded: string[] = [];
  /** Volumes that their project has taken over. */
  readonly taken = new Set<string>();
  /** Volumes are offered instead of being the project's at once. */
  offers = false;
  obstacles: readonly string[] = [];
  fail: (act: 'make' | 'discard' | 'clone') => void = () => undefined;

  examine(): Promise<CloneOrigin> {
    const draft = { minDisk: 7, properties: { device: 'vda' } };
    return Promise.resolve({ url: 'memory:origin', size: 6, obstacles: this.obstacles, draft });
  }

  clone(name: string): Promise<StoredObject> {
    this.objects.set(name, Buffer.from('cloned'));
    this.fail('clone');
    return Promise.resolve({ url: `memory:${name}` });
  }

  makeVolume(name: string, wish: VolumeWish): Promise<MadeVolume> {
    this.volumes.set(name, wish);
    this.fail('make');
    const { size = 1 } = wish;
    const transfer = this.offers ? { id: 'an-offer', key: 'a-key' } : undefined;
    return Promise.resolve({ id: `volume-${name}`, size, obstacles: [], transfer });
  }

  isTaken(id: string): Promise<boolean> {
    return Promise.resolve(this.taken.has(id));
  }

  discardVolume(name: string): Promise<void> {
    this.fail('discard');
    this.volumes.delete(name);
    this.discarded.push(name);
    return Promise.resolve();
  }
}

const away = (): never => {
  throw new TransientError({ code: 'AWAY', message: 'The storage is away' });
};
const broken = (): never => {
  throw new PermanentError({ code: 'BROKEN', message: 'The storage is broken' });
};
const cloningStage: TestTask = { ...stageTask, task: new StageTask() };
const WISH = { name: 'disk', size: 3, volumeType: null, availabilityZone: null };

let directory: Awaited<ReturnType<typeof tempDir>>;
let store: VolumesInMemory;
let engine: TestEngine;

const begin = async (clock = systemClock, stage = cloningStage): Promise<void> => {
  engine = await TestEngine.start({
    clock,
    dataDir: directory.path,
    stores: { volumes: store },
    tasks: [stage, storeTask],
    source: () => Promise.resolve({ kind: 'clone', store: 'volumes', origin: {} }),
  });
};

beforeEach(async () => {
  directory = await tempDir();
  store = new VolumesInMemory();
  await begin();
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function anActiveImage(): Promise<string> {
  const id = await engine.createImage();
  const { record } = await engine.run(id);
  expect(record).toMatchObject({ state: 'succeeded', failure: null });
  return id;
}

function request(imageId: string, projectId = 'a-project'): Promise<ImageVolume> {
  return engine
    .part<ImageVolumes>(ImageVolumes)
    .request({ imageId, projectId, userId: null, store: undefined, wish: WISH });
}

async function ended(id: string): Promise<ImageVolume> {
  let volume: ImageVolume | undefined;
  await expect
    .poll(async () => {
      [volume] = await engine.database.read.imageVolumes({ id });
      return volume?.state;
    })
    .not.toBe('pending');
  if (volume === undefined) throw new Error(`No volume ${id}`);
  return volume;
}

describe('a clone inside a storage', () => {
  it('is the image, with what the storage tells of it', async () => {
    const id = await anActiveImage();
    expect(await engine.image(id)).toMatchObject({
      ...{ size: 6, virtualSize: 6, minDisk: 7, osHashValue: null },
      properties: { device: 'vda' },
    });
    expect(store.objects.size).toBe(1);
  });

  it('that fails leaves no object, and one that can pass is tried again', async () => {
    let times = 0;
    store.fail = (act) => {
      times += 1;
      if (act === 'clone' && times < 3) away();
    };
    await anActiveImage();
    await expect.poll(() => store.objects.size).toBe(1);
    store.fail = broken;
    const { record } = await engine.run(await engine.createImage());
    expect(record.failure).toMatchObject({ code: 'BROKEN' });
    await expect.poll(() => store.objects.size).toBe(1);
  });

  it('gives way to its bytes where there are obstacles', async () => {
    store.objects.set('origin', Buffer.from('origin'));
    store.obstacles = ['It is elsewhere'];
    const id = await engine.createImage();
    const { record, tasks } = await engine.run(id);
    expect(record.state).toBe('succeeded');
    expect(tasks[0]?.output).toMatchObject({ source: 'volume', not_cloned: ['It is elsewhere'] });
    expect((await engine.image(id)).osHashValue).not.toBeNull();
  });
});

it('a task that knows nothing of clones has the bytes of their origin', async () => {
  store.objects.set('origin', Buffer.from('origin'));
  await engine[Symbol.asyncDispose]();
  await begin(systemClock, stageTask);
  const id = await engine.createImage();
  expect((await engine.run(id)).record).toMatchObject({ state: 'succeeded', failure: null });
  const image = await engine.image(id);
  expect([image.size, image.osHashValue === null]).toEqual([6, false]);
});

describe('a volume of an image', () => {
  it('is made, and told of', async () => {
    const { id } = await request(await anActiveImage());
    expect(await ended(id)).toMatchObject({
      ...{ state: 'succeeded', failure: null, made: { id: `volume-${id}`, size: 3 } },
    });
    expect(store.volumes.get(id)).toMatchObject({ projectId: 'a-project', name: 'disk', size: 3 });
  });

  it('is tried again where the failure may pass, under the same name', async () => {
    let times = 0;
    store.fail = () => {
      times += 1;
      if (times < 3) away();
    };
    const { id } = await request(await anActiveImage());
    expect(await ended(id)).toMatchObject({ state: 'succeeded' });
    expect([...store.volumes.keys()]).toEqual([id]);
  });

  it('that fails is told when nothing is left of it', async () => {
    const image = await anActiveImage();
    store.fail = (act) => {
      if (act === 'make') broken();
    };
    const { id } = await request(image);
    expect(await ended(id)).toMatchObject({ state: 'failed', failure: { code: 'BROKEN' } });
    expect(store.discarded).toEqual([id]);
  });

  it('goes on in the next life of the server', async () => {
    const image = await anActiveImage();
    store.fail = away;
    const { id } = await request(image);
    await expect.poll(() => store.volumes.has(id)).toBe(true);
    await engine[Symbol.asyncDispose]();
    store.fail = () => undefined;
    await begin();
    expect(await ended(id)).toMatchObject({ state: 'succeeded', made: { id: `volume-${id}` } });
  });

  it('is removed where nobody takes it, and never when somebody has', async () => {
    store.offers = true;
    const image = await anActiveImage();
    const [left, taken] = [await request(image), await request(image)];
    for (const { id } of [left, taken]) expect((await ended(id)).state).toBe('succeeded');
    store.taken.add(`volume-${taken.id}`);
    await engine[Symbol.asyncDispose]();
    const days = 2 * 24 * 60 * 60 * 1000;
    await begin({ ...systemClock, now: () => new Date(Date.now() + days) });
    await expect.poll(() => store.discarded).toEqual([left.id]);
    await expect
      .poll(async () => (await engine.database.read.imageVolumes({ id: left.id }))[0])
      .toMatchObject({ state: 'failed', failure: { code: 'OFFER_EXPIRED' } });
    expect(await ended(taken.id)).toMatchObject({ state: 'succeeded', failure: null });
  });

  it('that is offered counts until it is taken', async () => {
    store.offers = true;
    const image = await anActiveImage();
    const made: ImageVolume[] = [];
    for (let index = 0; index < 32; index += 1) made.push(await ended((await request(image)).id));
    await expect(request(image)).rejects.toMatchObject({ code: 'TOO_MANY_VOLUMES' });
    store.taken.add(made[0]?.made?.id ?? '');
    await ended((await request(image)).id);
  });

  it('is made of active images alone, and not of any number at once', async () => {
    const queued = await engine.createImage();
    await expect(request(queued)).rejects.toMatchObject({ code: 'IMAGE_STATE' });
    const image = await anActiveImage();
    await engine.database.write(async (tx) => {
      for (let index = 0; index < 32; index += 1) {
        await tx.insertImageVolume({
          ...{ id: `waiting-${index}`, imageId: image, projectId: 'busy', userId: null },
          ...{ store: 'volumes', wish: WISH, state: 'pending', made: null, failure: null },
          ...{ createdAt: new Date(), finishedAt: null },
        });
      }
    });
    await expect(request(image, 'busy')).rejects.toMatchObject({ code: 'TOO_MANY_VOLUMES' });
    await request(image, 'another');
  });
});
