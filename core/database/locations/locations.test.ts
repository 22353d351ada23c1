import { describe, expect, it } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.js';
import { aLocation, anImage, anImport } from '../../../test/support/records.js';
import type { Location } from '../../store/location.js';
import type { OpenDatabase } from '../sqlite-database.js';

async function openWithImage(): Promise<{
  readonly database: OpenDatabase;
  readonly imageId: string;
  readonly importId: string;
}> {
  const { database } = await openTestDatabase();
  const image = anImage();
  const record = anImport(image.id);
  await database.write(async (tx) => {
    await tx.insertImage(image);
    await tx.insertImport(record, []);
  });
  return { database, imageId: image.id, importId: record.id };
}

async function insert(database: OpenDatabase, ...locations: readonly Location[]): Promise<void> {
  await database.write(async (tx) => {
    for (const location of locations) await tx.insertLocation(location);
  });
}

describe('locations', () => {
  it('keep every column and are found by each part of a query', async () => {
    const { database, imageId, importId } = await openWithImage();
    const full = aLocation(imageId, {
      url: 'file:///x',
      state: 'active',
      importId,
      epoch: 3,
      metadata: { a: { b: [1, null] } },
      linkedGeneration: 'g',
    });
    const pending = aLocation(imageId, { store: 'slow', createdAt: new Date(0) });
    await insert(database, full, pending);
    const { read } = database;
    expect(await read.locations({})).toEqual([pending, full]);
    expect(await read.locations({ imageId, states: ['active', 'placed'] })).toEqual([full]);
    expect(await read.locations({ importId })).toEqual([full]);
    expect(await read.locations({ store: 'slow' })).toEqual([pending]);
    expect(await read.locations({ imageId: 'other' })).toEqual([]);
    expect(await read.locations({ states: [] })).toEqual([]);
  });

  it('name the stores that hold anything, each once', async () => {
    const { database, imageId } = await openWithImage();
    const other = anImage();
    await database.write((tx) => tx.insertImage(other));
    expect(await database.read.usedStores()).toEqual([]);
    await insert(
      database,
      aLocation(imageId, { store: 'b', state: 'active', url: 'file:b' }),
      aLocation(other.id, { store: 'b', state: 'active', url: 'file:other' }),
      aLocation(imageId, { store: 'a', state: 'deleting', url: 'file:a' }),
      aLocation(imageId, { store: 'c' }),
    );
    expect(await database.read.usedStores()).toEqual(['a', 'b']);
  });

  it('change in one of the states only, and go', async () => {
    const { database, imageId } = await openWithImage();
    const location = aLocation(imageId);
    await insert(database, location);
    const change = {
      state: 'placed',
      url: 'file:///x',
      metadata: { a: 1 },
      linkedGeneration: 'g',
    } as const;
    const update = (state: Location['state']): Promise<boolean> =>
      database.write((tx) => tx.updateLocation(location.id, { state: [state] }, change));
    expect(await update('placed')).toBe(false);
    expect(await database.read.locations({})).toEqual([location]);
    expect(await update('pending')).toBe(true);
    expect(await database.read.locations({})).toEqual([{ ...location, ...change }]);
    await database.write(async (tx) => {
      await tx.deleteLocation(location.id);
      await tx.deleteLocation(location.id);
    });
    expect(await database.read.locations({})).toEqual([]);
  });

  it('are one for each image and store, those that are being deleted aside', async () => {
    const { database, imageId } = await openWithImage();
    const first = aLocation(imageId);
    await insert(database, first, aLocation(imageId, { store: 'slow' }));
    const second = aLocation(imageId);
    await expect(insert(database, second)).rejects.toMatchObject({
      class: 'conflict',
      code: 'LOCATION_EXISTS',
    });
    await database.write((tx) =>
      tx.updateLocation(first.id, { state: ['pending'] }, { state: 'deleting' }),
    );
    await insert(database, second);
    expect(await database.read.locations({ store: 'fast' })).toHaveLength(2);
  });

  it('never use the name of an object twice', async () => {
    const { database, imageId } = await openWithImage();
    await insert(database, aLocation(imageId, { objectName: 'o', state: 'deleting' }));
    const again = insert(database, aLocation(imageId, { objectName: 'o' }));
    await expect(again).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
  });
});
