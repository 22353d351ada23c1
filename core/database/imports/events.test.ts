import { describe, expect, it } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.js';
import { anImage, anImport } from '../../../test/support/records.js';

describe('appendEvent', () => {
  it('numbers the events of each import from 1, also those appended at once', async () => {
    const { database } = await openTestDatabase();
    const [image, other] = [anImage(), anImage()];
    const [first, second] = [anImport(image.id), anImport(other.id)];
    await database.write(async (tx) => {
      await tx.insertImage(image);
      await tx.insertImage(other);
      await tx.insertImport(first, []);
      await tx.insertImport(second, []);
    });
    const at = new Date(7);
    const appended = await database.write((tx) =>
      Promise.all([
        tx.appendEvent(first.id, at, 'import.created', { a: [1] }),
        tx.appendEvent(second.id, at, 'import.created', {}),
        tx.appendEvent(first.id, at, 'task.running', {}),
      ]),
    );
    const next = await database.write((tx) => tx.appendEvent(first.id, at, 'task.failed', {}));
    expect(appended[0]).toEqual({
      importId: first.id,
      sequence: 1,
      at,
      type: 'import.created',
      data: { a: [1] },
    });
    expect(await database.read.events(first.id, 0, 10)).toEqual([appended[0], appended[2], next]);
    expect(await database.read.events(second.id, 0, 10)).toEqual([appended[1]]);
    expect(await database.read.events(first.id, 1, 1)).toEqual([appended[2]]);
    expect(await database.read.events(first.id, 3, 10)).toEqual([]);
  });

  it('gives the number of an event that was rolled back to the next one', async () => {
    const { database } = await openTestDatabase();
    const image = anImage();
    const record = anImport(image.id);
    await database.write(async (tx) => {
      await tx.insertImage(image);
      await tx.insertImport(record, []);
    });
    const failed = database.write(async (tx) => {
      await tx.appendEvent(record.id, new Date(1), 'lost', {});
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await database.write((tx) => tx.appendEvent(record.id, new Date(1), 'kept', {}));
    const events = await database.read.events(record.id, 0, 10);
    expect(events.map(({ sequence, type }) => [sequence, type])).toEqual([[1, 'kept']]);
  });
});
