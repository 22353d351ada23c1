import { describe, expect, it } from 'vitest';
import { openOutsider, openTestDatabase } from '../../../test/support/database.js';
import { anImage } from '../../../test/support/records.js';
import type { Image } from '../../image/image.js';

const LATER = new Date(Date.UTC(2026, 5, 6));
const QUEUED = { status: ['queued'] } as const;

async function openWith(image: Image): ReturnType<typeof openTestDatabase> {
  const opened = await openTestDatabase();
  await opened.database.write((tx) => tx.insertImage(image));
  return opened;
}

describe('insertImage', () => {
  it('keeps every attribute, whatever text is in it', async () => {
    const image = anImage({
      name: `o'ne "two" \u0000 %_ ü 🐟`,
      status: 'active',
      visibility: 'public',
      owner: null,
      diskFormat: null,
      containerFormat: null,
      size: Number.MAX_SAFE_INTEGER,
      virtualSize: 3_000_000_001,
      checksum: 'aa',
      osHashAlgo: 'sha512',
      osHashValue: 'bb',
      minDisk: 1,
      minRam: 2,
      protected: true,
      osHidden: true,
      tags: ['', 'a', 'b, "c"'],
      properties: { '': 'x', 'a.b:c': '\u0000"\\', ['__proto__']: 'own', ü: '🐟' },
      createdAt: new Date(0),
      updatedAt: LATER,
    });
    const { database } = await openWith(image);
    expect(await database.read.image(image.id)).toEqual(image);
  });

  it('takes tags as a set', async () => {
    const image = anImage({ tags: ['b', 'a', 'b'] });
    const { database } = await openWith(image);
    expect((await database.read.image(image.id))?.tags).toEqual(['a', 'b']);
  });

  it('refuses an id that was ever used', async () => {
    const image = anImage();
    const { database } = await openWith(image);
    await database.write((tx) => tx.updateImage(image.id, QUEUED, { status: 'deleted' }, LATER));
    await expect(database.write((tx) => tx.insertImage(image))).rejects.toMatchObject({
      class: 'conflict',
      code: 'IMAGE_EXISTS',
    });
  });

  it.each([2 ** 53, -1, 0.5, Number.NaN])('refuses a size of %d', async (size) => {
    const { database } = await openTestDatabase();
    for (const image of [anImage({ size }), anImage({ virtualSize: size })]) {
      await expect(database.write((tx) => tx.insertImage(image))).rejects.toMatchObject({
        code: 'NUMBER_OUT_OF_RANGE',
      });
    }
  });

  it('is held by SQL as well to the words of the API', async () => {
    const { database } = await openTestDatabase();
    const image = anImage({ status: 'lost' as 'queued' });
    await expect(database.write((tx) => tx.insertImage(image))).rejects.toMatchObject({
      code: 'CONSTRAINT_VIOLATED',
    });
  });
});

describe('updateImage', () => {
  it('changes what is named, keeps the rest and dates it', async () => {
    const image = anImage({ name: 'old', size: 5, tags: ['a'], properties: { a: '1' } });
    const { database } = await openWith(image);
    const changed = await database.write((tx) =>
      tx.updateImage(image.id, QUEUED, { name: null, virtualSize: 9, status: 'active' }, LATER),
    );
    expect(changed).toBe(true);
    expect(await database.read.image(image.id)).toEqual({
      ...image,
      name: null,
      virtualSize: 9,
      status: 'active',
      updatedAt: LATER,
    });
  });

  it('changes nothing, properties and tags included, in another status', async () => {
    const image = anImage({ tags: ['a'], properties: { a: '1' } });
    const { database } = await openWith(image);
    const changed = await database.write((tx) =>
      tx.updateImage(
        image.id,
        { status: ['active', 'deactivated'] },
        { name: 'new', tags: [], properties: { a: null }, replaceProperties: true },
        LATER,
      ),
    );
    expect(changed).toBe(false);
    expect(await database.read.image(image.id)).toEqual(image);
  });

  it('sets, overwrites and removes single properties', async () => {
    const image = anImage({ properties: { keep: '1', over: '1', gone: '1' } });
    const { database } = await openWith(image);
    await database.write((tx) =>
      tx.updateImage(
        image.id,
        QUEUED,
        { properties: { over: '2', gone: null, new: '3', never: null } },
        LATER,
      ),
    );
    expect((await database.read.image(image.id))?.properties).toEqual({
      keep: '1',
      over: '2',
      new: '3',
    });
  });

  it('replaces all properties and all tags where it is told to', async () => {
    const image = anImage({ tags: ['a', 'b'], properties: { a: '1', b: '1' } });
    const { database } = await openWith(image);
    await database.write((tx) =>
      tx.updateImage(
        image.id,
        QUEUED,
        { tags: ['c'], properties: { b: '2' }, replaceProperties: true },
        LATER,
      ),
    );
    expect(await database.read.image(image.id)).toMatchObject({
      tags: ['c'],
      properties: { b: '2' },
    });
    await database.write((tx) =>
      tx.updateImage(image.id, QUEUED, { replaceProperties: true }, LATER),
    );
    expect((await database.read.image(image.id))?.properties).toEqual({});
  });

  it('leaves a tombstone of a deleted image', async () => {
    const image = anImage({ name: 'was here', tags: ['a'], properties: { a: '1' } });
    const { database, path } = await openWith(image);
    await database.write((tx) => tx.updateImage(image.id, QUEUED, { status: 'deleted' }, LATER));
    expect(await database.read.image(image.id)).toBeUndefined();
    expect(await database.read.imageIdTaken(image.id)).toBe(true);
    expect(await database.read.imageEvenDeleted(image.id)).toEqual({
      ...image,
      status: 'deleted',
      tags: [],
      properties: {},
      updatedAt: LATER,
    });
    const outsider = await openOutsider(path);
    expect(await outsider.all('SELECT "deleted_at" FROM "images"')).toEqual([
      { deleted_at: LATER.getTime() },
    ]);
    expect(await outsider.all('SELECT * FROM "image_properties"')).toEqual([]);
  });

  it('answers false for an image that never was', async () => {
    const { database } = await openTestDatabase();
    const changed = await database.write((tx) => tx.updateImage('x', QUEUED, {}, LATER));
    expect(changed).toBe(false);
    expect(await database.read.imageIdTaken('x')).toBe(false);
    expect(await database.read.imageEvenDeleted('x')).toBeUndefined();
  });
});

describe('image', () => {
  it('refuses a row that this version cannot have written', async () => {
    const image = anImage({ size: 1 });
    const { database, path } = await openWith(image);
    const outsider = await openOutsider(path);
    await outsider.all('UPDATE "images" SET "size" = 9007199254740993');
    await expect(database.read.image(image.id)).rejects.toMatchObject({
      class: 'integrity',
      code: 'ROW_INVALID',
      message: expect.stringContaining('images.size') as string,
    });
  });
});
