import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openOutsider, openTestDatabase } from '../../../test/support/database.js';
import {
  aFlowTask,
  aGeneration,
  aLocation,
  aReservation,
  aTask,
  anImage,
  anImport,
} from '../../../test/support/records.js';
import { IMPORT_STATES } from '../../engine/import.js';
import type { ImportRecord, TaskRecord } from '../../engine/import.js';
import { isFinal } from '../../engine/states.js';
import type { Image } from '../../image/image.js';

const LATER = new Date(Date.UTC(2026, 5, 6));

async function openWith(
  images: readonly Image[],
  imports: readonly ImportRecord[],
  tasks: readonly TaskRecord[] = [],
): ReturnType<typeof openTestDatabase> {
  const opened = await openTestDatabase();
  await opened.database.write(async (tx) => {
    for (const image of images) await tx.insertImage(image);
    for (const record of imports) {
      await tx.insertImport(
        record,
        tasks.filter(({ importId }) => importId === record.id),
      );
    }
  });
  return opened;
}

describe('insertImport', () => {
  it('keeps every column of the import and of its tasks, in flow order', async () => {
    const image = anImage();
    const failure = {
      class: 'rejected',
      code: 'BACKING_FILE_PRESENT',
      message: 'No',
      hint: 'Flatten it',
      details: { file: '/etc/passwd' },
      causes: ['because'],
    } as const;
    const record = anImport(image.id, {
      params: { uri: 'http://x/', deep: [1, { a: null }] },
      stores: ['a', 'b'],
      allStoresMustSucceed: false,
      data: 'existing',
      state: 'reverting',
      epoch: 7,
      caller: { userId: null, projectId: null, roles: [] },
      flow: [
        aFlowTask({ config: { x: 1 }, store: 's', skip: 'not needed' }),
        aFlowTask({
          when: { diskFormat: ['raw'], size: { max: 5 }, property: { os: ['linux'] } },
        }),
      ],
      userPatched: ['name', 'properties.os'],
      expectedDigest: { algorithm: 'sha256', value: 'ab' },
      idempotencyKey: 'key',
      cancel: 'user',
      failure: { ...failure, task: 'store', store: 'a' },
      startedAt: new Date(5),
      finishedAt: LATER,
    });
    const tasks = [
      aTask(record.id, {
        position: 1,
        store: 'a',
        state: 'failed',
        attempt: 3,
        retries: 2,
        countedFrom: 1,
        reached: Number.MAX_SAFE_INTEGER,
        checkpoint: { offset: 9 },
        draft: { name: null, diskFormat: 'raw', tags: ['a'], properties: { a: '1', b: null } },
        output: { url: 'x' },
        virtualSize: Number.MAX_SAFE_INTEGER,
        size: Number.MAX_SAFE_INTEGER - 1,
        reason: 'why',
        failure,
        progressDone: 0.1 + 0.2,
        progressTotal: Number.MAX_SAFE_INTEGER,
        retryAt: LATER,
        startedAt: LATER,
        finishedAt: LATER,
      }),
      aTask(record.id, { position: 0 }),
    ];
    const { database } = await openWith([image], [record], tasks);
    expect(await database.read.import(record.id)).toEqual(record);
    expect(await database.read.tasks(record.id)).toEqual([tasks[1], tasks[0]]);
  });

  it('lets an image have one live import at most', async () => {
    for (const state of IMPORT_STATES) {
      const image = anImage();
      const first = anImport(image.id, { state });
      const { database } = await openWith([image], [first]);
      const second = anImport(image.id);
      const inserted = database.write((tx) => tx.insertImport(second, [aTask(second.id)]));
      if (isFinal(state)) {
        await inserted;
        expect(await database.read.liveImport(image.id)).toEqual(second);
      } else {
        await expect(inserted).rejects.toMatchObject({ class: 'conflict', code: 'IMPORT_RUNNING' });
        expect(await database.read.liveImport(image.id)).toEqual(first);
        expect(await database.read.tasks(second.id)).toEqual([]);
      }
    }
  });

  it('lets an image have one import with an idempotency key, and any number without', async () => {
    const [image, other] = [anImage(), anImage()];
    const done = { state: 'succeeded' } as const;
    const keyed = anImport(image.id, { ...done, idempotencyKey: 'k' });
    const { database } = await openWith(
      [image, other],
      [
        keyed,
        anImport(image.id, done),
        anImport(image.id, done),
        anImport(other.id, { ...done, idempotencyKey: 'k' }),
      ],
    );
    expect(await database.read.importByIdempotencyKey(image.id, 'k')).toEqual(keyed);
    expect(await database.read.importByIdempotencyKey(image.id, 'l')).toBeUndefined();
    const again = anImport(image.id, { ...done, idempotencyKey: 'k' });
    await expect(database.write((tx) => tx.insertImport(again, []))).rejects.toMatchObject({
      class: 'conflict',
      code: 'IDEMPOTENCY_KEY_USED',
    });
  });
});

describe('updateImport', () => {
  it('changes only a row in one of the states, held by the epoch', async () => {
    const image = anImage();
    const record = anImport(image.id, { state: 'running', epoch: 3 });
    const { database } = await openWith([image], [record]);
    const update = (state: 'running' | 'pending', epoch: number): Promise<boolean> =>
      database.write((tx) =>
        tx.updateImport(record.id, { state: [state], epoch }, { state: 'reverting' }),
      );
    expect(await update('running', 2)).toBe(false);
    expect(await update('running', 4)).toBe(false);
    expect(await update('pending', 3)).toBe(false);
    expect(await database.read.import(record.id)).toEqual(record);
    expect(await update('running', 3)).toBe(true);
    expect(await database.read.import(record.id)).toEqual({ ...record, state: 'reverting' });
  });

  it('changes what is named, also for any epoch', async () => {
    const image = anImage();
    const record = anImport(image.id, { state: 'running', epoch: 3 });
    const { database } = await openWith([image], [record]);
    const failure = { class: 'transient', code: 'X', message: 'm', task: 'store' } as const;
    const change = { state: 'failed', epoch: 9, failure, startedAt: LATER, finishedAt: LATER };
    await database.write((tx) =>
      tx.updateImport(record.id, { state: ['running'] }, { ...change, state: 'failed' }),
    );
    expect(await database.read.import(record.id)).toEqual({ ...record, ...change });
    await database.write((tx) =>
      tx.updateImport(record.id, { state: ['failed'] }, { failure: null }),
    );
    expect((await database.read.import(record.id))?.failure).toBeNull();
  });

  it('answers for an empty change whether the condition holds', async () => {
    const image = anImage();
    const record = anImport(image.id);
    const { database } = await openWith([image], [record]);
    await database.write(async (tx) => {
      expect(await tx.updateImport(record.id, { state: ['pending'], epoch: 1 }, {})).toBe(true);
      expect(await tx.updateImport(record.id, { state: ['pending'], epoch: 2 }, {})).toBe(false);
    });
  });

  it('refuses to make a second import of the image live', async () => {
    const image = anImage();
    const stuck = anImport(image.id, { state: 'revert_failed' });
    const { database } = await openWith([image], [stuck, anImport(image.id)]);
    const again = database.write((tx) =>
      tx.updateImport(stuck.id, { state: ['revert_failed'] }, { state: 'reverting' }),
    );
    await expect(again).rejects.toMatchObject({ code: 'IMPORT_RUNNING' });
  });
});

describe('requestCancel', () => {
  it('marks an import that is not ending yet, whoever holds it', async () => {
    for (const state of IMPORT_STATES) {
      const image = anImage();
      const record = anImport(image.id, { state, epoch: 99 });
      const { database } = await openWith([image], [record]);
      const marked = await database.write((tx) => tx.requestCancel(record.id, 'user'));
      expect([state, marked]).toEqual([state, ['pending', 'running'].includes(state)]);
      expect((await database.read.import(record.id))?.cancel).toBe(marked ? 'user' : null);
    }
  });

  it('turns the wish of a user into a deletion, but not back', async () => {
    const image = anImage();
    const record = anImport(image.id);
    const { database } = await openWith([image], [record]);
    const cancel = async (why: 'user' | 'deleted'): Promise<unknown> => {
      await database.write((tx) => tx.requestCancel(record.id, why));
      return (await database.read.import(record.id))?.cancel;
    };
    expect(await cancel('user')).toBe('user');
    expect(await cancel('deleted')).toBe('deleted');
    expect(await cancel('user')).toBe('deleted');
  });

  it('answers false for an import that is not there', async () => {
    const { database } = await openTestDatabase();
    expect(await database.write((tx) => tx.requestCancel('x', 'user'))).toBe(false);
  });
});

describe('addUserPatched', () => {
  it('adds each name once', async () => {
    const image = anImage();
    const record = anImport(image.id, { userPatched: ['name'] });
    const { database } = await openWith([image], [record]);
    await database.write(async (tx) => {
      await Promise.all([
        tx.addUserPatched(record.id, ['properties.a', 'name']),
        tx.addUserPatched(record.id, ['properties.b']),
      ]);
    });
    expect((await database.read.import(record.id))?.userPatched).toEqual([
      'name',
      'properties.a',
      'properties.b',
    ]);
  });
});

describe('takeOverImports', () => {
  it('takes every import that is in no final state and that it does not hold yet', async () => {
    const imports = IMPORT_STATES.map((state) => anImport(randomUUID(), { state, epoch: 1 }));
    const images = imports.map(({ imageId }) => anImage({ id: imageId }));
    const { database } = await openWith(images, imports);
    expect(await database.write((tx) => tx.takeOverImports(2))).toBe(3);
    for (const { id, state } of imports) {
      expect((await database.read.import(id))?.epoch).toBe(isFinal(state) ? 1 : 2);
    }
    expect(await database.write((tx) => tx.takeOverImports(2))).toBe(0);
  });
});

describe('endedImports', () => {
  it('are those that ended before and wait for nobody, the first to end first', async () => {
    const image = anImage();
    const ended = (finishedAt: number | null, state: ImportRecord['state'] = 'failed') =>
      anImport(image.id, { state, finishedAt: finishedAt === null ? null : new Date(finishedAt) });
    const [late, early, middle] = [ended(9), ended(1), ended(5, 'succeeded')];
    const others = [ended(2, 'revert_failed'), ended(10), ended(null, 'running')];
    const { database } = await openWith([image], [late, early, middle, ...others]);
    const before = new Date(10);
    expect(await database.read.endedImports({ before, limit: 9 })).toEqual(
      [early, middle, late].map(({ id }) => id),
    );
    expect(await database.read.endedImports({ before, limit: 1 })).toEqual([early.id]);
  });
});

describe('deleteImports', () => {
  it('deletes finished imports with their tasks and events, and keeps the locations', async () => {
    const image = anImage();
    const done = anImport(image.id, { state: 'succeeded' });
    const live = anImport(image.id, { state: 'running' });
    const location = aLocation(image.id, { importId: done.id, state: 'active', url: 'file:x' });
    const { database, path } = await openWith(
      [image],
      [done, live],
      [aTask(done.id), aTask(live.id)],
    );
    await database.write(async (tx) => {
      await tx.insertLocation(location);
      await tx.appendEvent(done.id, LATER, 'import.succeeded', {});
    });
    expect(await database.write((tx) => tx.deleteImports([done.id, live.id, 'unknown']))).toBe(1);
    expect(await database.read.imports({})).toEqual([live]);
    expect(await database.read.locations({})).toEqual([{ ...location, importId: null }]);
    const outsider = await openOutsider(path);
    expect(await outsider.all('SELECT "import_id" FROM "tasks"')).toEqual([{ import_id: live.id }]);
    expect(await outsider.all('SELECT * FROM "import_events"')).toEqual([]);
  });

  it('keeps an import that still owns bytes, not one whose bytes are on their way out', async () => {
    const image = anImage();
    const [holder, workspace, releasing] = [0, 1, 2].map(() =>
      anImport(image.id, { state: 'failed' }),
    ) as [ImportRecord, ImportRecord, ImportRecord];
    const { database } = await openWith([image], [holder, workspace, releasing]);
    const held = aGeneration(image.id, { importId: holder.id, state: 'ready' });
    const going = aGeneration(image.id, { importId: releasing.id, state: 'releasing' });
    const data = aReservation(image.id, { importId: releasing.id, generationId: going.id });
    await database.write(async (tx) => {
      await tx.insertGeneration(held);
      await tx.insertGeneration(going);
      await tx.insertReservation(data);
      await tx.insertReservation(
        aReservation(image.id, { importId: workspace.id, purpose: 'workspace' }),
      );
    });
    const ids = [holder.id, workspace.id, releasing.id];
    expect(await database.write((tx) => tx.deleteImports(ids))).toBe(1);
    expect(await database.read.import(releasing.id)).toBeUndefined();
    expect(await database.read.generation(going.id)).toEqual({ ...going, importId: null });
    expect(await database.read.generation(held.id)).toEqual(held);
  });

  it('takes more ids than one statement can hold', async () => {
    const image = anImage();
    const done = anImport(image.id, { state: 'cancelled' });
    const { database } = await openWith([image], [done]);
    const ids = Array.from({ length: 40_000 }, (_, index) => String(index));
    expect(await database.write((tx) => tx.deleteImports([...ids, done.id]))).toBe(1);
  });
});

describe('updateTask', () => {
  it('changes what is named, in one of the states only', async () => {
    const image = anImage();
    const record = anImport(image.id);
    const task = aTask(record.id, { state: 'running', attempt: 1, checkpoint: { at: 1 } });
    const other = aTask(record.id, { position: 1 });
    const { database } = await openWith([image], [record], [task, other]);
    const change = {
      state: 'waiting',
      retries: 1,
      checkpoint: null,
      draft: { properties: { a: '1' } },
      output: { a: 1 },
      virtualSize: 5,
      size: 4,
      reason: 'busy',
      failure: { class: 'transient', code: 'X', message: 'm' },
      progressDone: 1,
      progressTotal: null,
      retryAt: LATER,
      startedAt: LATER,
      finishedAt: null,
    } as const;
    await database.write(async (tx) => {
      expect(await tx.updateTask(record.id, 0, { state: ['pending'] }, change)).toBe(false);
      expect(await tx.updateTask(record.id, 2, { state: ['running'] }, change)).toBe(false);
      expect(await tx.tasks(record.id)).toEqual([task, other]);
      expect(await tx.updateTask(record.id, 0, { state: ['running'] }, change)).toBe(true);
    });
    expect(await database.read.tasks(record.id)).toEqual([{ ...task, ...change }, other]);
  });
});

describe('imports', () => {
  it('are listed by age, image, state, project and end, page by page', async () => {
    const [mine, other] = [anImage({ owner: 'mine' }), anImage({ owner: 'other' })];
    const imports = Array.from({ length: 30 }, (_, index) =>
      anImport(index % 3 === 0 ? other.id : mine.id, {
        state: index % 2 === 0 ? 'failed' : 'succeeded',
        createdAt: new Date(Math.floor(index / 7)),
        finishedAt: index % 5 === 0 ? null : new Date(index),
      }),
    );
    const { database } = await openWith([mine, other], imports);
    const byAge = [...imports].sort(
      (a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1),
    );
    expect(await database.read.imports({})).toEqual(byAge);
    expect(await database.read.imports({ order: 'desc' })).toEqual(byAge.toReversed());
    expect(await database.read.imports({ imageId: other.id, states: ['failed'] })).toEqual(
      byAge.filter(({ imageId, state }) => imageId === other.id && state === 'failed'),
    );
    expect(await database.read.imports({ states: [] })).toEqual([]);
    for (const order of ['asc', 'desc'] as const) {
      const paged: ImportRecord[] = [];
      for (;;) {
        const marker = paged.at(-1)?.id;
        const page = await database.read.imports({
          projectId: 'mine',
          order,
          limit: 7,
          ...(marker === undefined ? {} : { marker }),
        });
        paged.push(...page);
        if (page.length < 7) break;
      }
      const whole = byAge.filter(({ imageId }) => imageId === mine.id);
      expect(paged).toEqual(order === 'asc' ? whole : whole.toReversed());
    }
  });

  it('refuse a marker that is unknown or of another project', async () => {
    const image = anImage({ owner: 'other' });
    const record = anImport(image.id);
    const { database } = await openWith([image], [record]);
    for (const marker of ['unknown', record.id]) {
      await expect(database.read.imports({ projectId: 'mine', marker })).rejects.toMatchObject({
        class: 'invalid_input',
        code: 'MARKER_NOT_FOUND',
      });
    }
  });
});

describe('import', () => {
  it.each([
    ['flow', '[{"entry":"stage"}]'],
    ['caller', 'not json'],
    ['stores', '{}'],
  ])('refuses a wrong value in the JSON column "%s"', async (column, text) => {
    const image = anImage();
    const record = anImport(image.id);
    const { database, path } = await openWith([image], [record]);
    await (await openOutsider(path)).all(`UPDATE "imports" SET "${column}" = '${text}'`);
    await expect(database.read.import(record.id)).rejects.toMatchObject({
      class: 'integrity',
      code: 'ROW_INVALID',
      message: expect.stringContaining(`imports.${column}`) as string,
    });
  });
});
