import { describe, expect, it } from 'vitest';
import { openOutsider, openTestDatabase } from '../../../test/support/database.js';
import { aGeneration, aReservation, anImage, anImport } from '../../../test/support/records.js';
import type { Inspection } from '../../format/inspection.js';
import type { Generation } from '../../staging/generation.js';

const LATER = new Date(Date.UTC(2026, 5, 6));

const inspection: Inspection = {
  format: 'qcow2',
  subformat: 'v3',
  virtualSize: 10,
  size: 5,
  safe: false,
  findings: [{ rule: 'backing-file', severity: 'unsafe', offset: 8, message: 'm', hint: 'h' }],
  metadata: { cluster_size: 65_536 },
};

async function openWith(parts: readonly Partial<Generation>[]): Promise<
  Awaited<ReturnType<typeof openTestDatabase>> & {
    readonly imageId: string;
    readonly importId: string;
    readonly generations: readonly Generation[];
  }
> {
  const opened = await openTestDatabase();
  const image = anImage();
  const record = anImport(image.id);
  const generations = parts.map((part) => aGeneration(image.id, part));
  await opened.database.write(async (tx) => {
    await tx.insertImage(image);
    await tx.insertImport(record, []);
    for (const generation of generations) await tx.insertGeneration(generation);
  });
  return { ...opened, imageId: image.id, importId: record.id, generations };
}

describe('generations', () => {
  it('keep every column', async () => {
    const ready: Partial<Generation> = {
      number: 2,
      position: 3,
      state: 'ready',
      epoch: 4,
      durable: 5,
      validator: '"etag"',
      size: Number.MAX_SAFE_INTEGER,
      allocatedSize: 7,
      digests: { md5: 'a', sha512: 'b' },
      inspection,
      readyAt: LATER,
      upload: { length: 8, metadata: 'filename eA==', touchedAt: LATER },
    };
    const { database, generations } = await openWith([{}, ready]);
    for (const generation of generations) {
      expect(await database.read.generation(generation.id)).toEqual(generation);
    }
    expect(await database.read.generation('unknown')).toBeUndefined();
  });

  it('change in one of the states only', async () => {
    const { database, generations } = await openWith([{}]);
    const [generation] = generations as [Generation];
    const change = {
      state: 'ready',
      durable: 9,
      validator: 'v',
      size: 9,
      allocatedSize: 4,
      digests: { md5: 'x' },
      inspection,
      readyAt: LATER,
    } as const;
    const update = (state: Generation['state']): Promise<boolean> =>
      database.write((tx) => tx.updateGeneration(generation.id, { state: [state] }, change));
    expect(await update('ready')).toBe(false);
    expect(await database.read.generation(generation.id)).toEqual(generation);
    expect(await update('writing')).toBe(true);
    expect(await database.read.generation(generation.id)).toEqual({ ...generation, ...change });
  });

  it('are found by image, import, state and age', async () => {
    const { database, generations, imageId, importId } = await openWith([
      { number: 1, state: 'ready', readyAt: new Date(100) },
      { number: 0, state: 'ready', readyAt: new Date(200) },
      { number: 2 },
    ]);
    const [first, zeroth, second] = generations as [Generation, Generation, Generation];
    await database.write((tx) => tx.assignGeneration(first.id, importId));
    const held = { ...first, importId };
    const { read } = database;
    expect(await read.generations({})).toEqual([zeroth, held, second]);
    expect(await read.generations({ imageId: 'other' })).toEqual([]);
    expect(await read.generations({ imageId, importId })).toEqual([held]);
    expect(await read.generations({ importId: null })).toEqual([zeroth, second]);
    expect(await read.generations({ states: ['writing'] })).toEqual([second]);
    expect(await read.generations({ states: [] })).toEqual([]);
    expect(await read.generations({ readyBefore: new Date(200) })).toEqual([held]);
  });

  it('never share a file', async () => {
    const { database, imageId } = await openWith([{ file: 'f' }]);
    const second = database.write((tx) => tx.insertGeneration(aGeneration(imageId, { file: 'f' })));
    await expect(second).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
  });

  it('go with their observations and reservations', async () => {
    const { database, path, imageId, generations } = await openWith([{}, {}]);
    const [gone, kept] = generations as [Generation, Generation];
    const reservations = [gone, kept].map(({ id }) => aReservation(imageId, { generationId: id }));
    await database.write(async (tx) => {
      for (const { id } of generations) await tx.saveObservation(id, 'key', 1);
      for (const reservation of reservations) await tx.insertReservation(reservation);
      await tx.deleteGeneration(gone.id);
      await tx.deleteGeneration('unknown');
    });
    expect(await database.read.generations({})).toEqual([kept]);
    expect(await database.read.reservations()).toEqual([reservations[1]]);
    const outsider = await openOutsider(path);
    expect(await outsider.all('SELECT "generation_id" FROM "observations"')).toEqual([
      { generation_id: kept.id },
    ]);
  });
});

describe('assignGeneration', () => {
  it('moves the generation and its data reservation to an import and back', async () => {
    const { database, imageId, importId, generations } = await openWith([{ state: 'ready' }]);
    const [{ id }] = generations as [Generation];
    const data = aReservation(imageId, { generationId: id });
    await database.write((tx) => tx.insertReservation(data));
    for (const owner of [importId, null]) {
      expect(await database.write((tx) => tx.assignGeneration(id, owner))).toBe(true);
      expect((await database.read.generation(id))?.importId).toBe(owner);
      expect(await database.read.reservations()).toEqual([{ ...data, importId: owner }]);
    }
  });

  it('takes nothing from another import, and nothing that is on its way out', async () => {
    const { database, imageId, importId, generations } = await openWith([
      { state: 'ready' },
      { state: 'releasing' },
    ]);
    const [held, releasing] = generations as [Generation, Generation];
    const other = anImport(imageId, { state: 'failed' });
    await database.write(async (tx) => {
      await tx.insertImport(other, []);
      expect(await tx.assignGeneration(held.id, other.id)).toBe(true);
      expect(await tx.assignGeneration(held.id, importId)).toBe(false);
      expect(await tx.assignGeneration(held.id, other.id)).toBe(true);
      expect(await tx.assignGeneration(releasing.id, importId)).toBe(false);
      expect(await tx.assignGeneration('unknown', importId)).toBe(false);
    });
    expect((await database.read.generation(held.id))?.importId).toBe(other.id);
  });
});

describe('observations', () => {
  it('are kept by observer, the last one of each', async () => {
    const { database, generations } = await openWith([{}]);
    const [{ id }] = generations as [Generation];
    await database.write(async (tx) => {
      await tx.saveObservation(id, 'a', { n: 1 });
      await tx.saveObservation(id, 'a', { n: 2 });
      await tx.saveObservation(id, 'b', null);
      await tx.saveObservation(id, 'c', false);
    });
    expect(await database.read.observations(id)).toEqual({ a: { n: 2 }, b: null, c: false });
    expect(await database.read.observations('unknown')).toEqual({});
  });

  it('refuse what is no JSON', async () => {
    const { database, generations } = await openWith([{}]);
    const [{ id }] = generations as [Generation];
    const undefinedResult = undefined as unknown as null;
    await expect(
      database.write((tx) => tx.saveObservation(id, 'a', undefinedResult)),
    ).rejects.toMatchObject({ class: 'bug', code: 'NOT_JSON' });
  });
});

describe('reservations', () => {
  it('are summed, changed and given back', async () => {
    const { database, imageId, importId } = await openWith([]);
    expect(await database.read.reservedBytes()).toBe(0);
    const data = aReservation(imageId, { id: 'a', bytes: 2 ** 40 });
    const work = aReservation(imageId, { id: 'b', importId, purpose: 'workspace', bytes: 5 });
    await database.write(async (tx) => {
      await tx.insertReservation(data);
      await tx.insertReservation(work);
      await tx.insertReservation(aReservation(imageId, { id: 'c', importId, bytes: 7 }));
      await tx.updateReservation('c', { bytes: 8, need: 3 });
    });
    expect(await database.read.reservedBytes()).toBe(2 ** 40 + 13);
    await database.write((tx) => tx.deleteReservations({ importId, purpose: 'workspace' }));
    expect((await database.read.reservations()).map(({ id, bytes }) => [id, bytes])).toEqual([
      ['a', 2 ** 40],
      ['c', 8],
    ]);
    await database.write((tx) => tx.deleteReservation('a'));
    expect(await database.read.reservedBytes()).toBe(8);
  });

  it('are refused to somebody whose reservation was given back', async () => {
    const { database } = await openWith([]);
    await expect(
      database.write((tx) => tx.updateReservation('gone', { bytes: 1 })),
    ).rejects.toMatchObject({
      class: 'conflict',
      code: 'RESERVATION_GONE',
    });
  });

  it('have no negative bytes', async () => {
    const { database, imageId } = await openWith([]);
    const negative = aReservation(imageId, { bytes: -1 });
    await expect(database.write((tx) => tx.insertReservation(negative))).rejects.toMatchObject({
      code: 'NUMBER_OUT_OF_RANGE',
    });
  });
});
