import path from 'node:path';
import { expect, it } from 'vitest';
import { FINAL_IMPORT_STATES } from '../../engine/states.js';
import { anImage } from '../../../test/support/an-image.js';
import { anImport } from '../../../test/support/records.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { openDatabase } from '../open.js';

it('a notification is there with its change, or neither is', async () => {
  await using directory = await tempDir();
  let committed = 0;
  const database = await openDatabase({
    path: path.join(directory.path, 'db'),
    notify: { wants: () => true, committed: () => (committed += 1) },
  });
  const failing = database.write(async (tx) => {
    await tx.insertImage(anImage({ id: 'a' }));
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect([await database.read.notifications(0, 10), committed]).toEqual([[], 0]);

  await database.write(async (tx) => {
    await tx.insertImage(anImage({ id: 'b' }));
    // A change whose condition does not hold is none.
    await tx.updateImage('b', { status: ['active'] }, { name: 'x' }, new Date());
    // Nor is what is told with the status that it leads to.
    await tx.updateImage('b', { status: ['queued'] }, { status: 'uploading' }, new Date());
    await tx.updateImage('b', { status: ['uploading'] }, { size: 5 }, new Date());
  });
  const first = await database.read.notifications(0, 10);
  expect(first).toMatchObject([{ sequence: 1, type: 'image.create', payload: { id: 'b' } }]);
  expect(committed).toBe(1);

  await database.write((tx) => tx.deleteNotifications(1));
  expect(await database.read.notifications(0, 10)).toEqual([]);
  await database.write((tx) => tx.insertImage(anImage({ id: 'c' })));
  expect(await database.read.notifications(0, 10)).toMatchObject([{ sequence: 2 }]);
  await database.close();
});

it.each(FINAL_IMPORT_STATES)('an import that ends %s is told of', async (state) => {
  await using directory = await tempDir();
  const database = await openDatabase({
    path: path.join(directory.path, 'db'),
    notify: { wants: (type) => type.startsWith('task.'), committed: () => undefined },
  });
  const { id } = await database.write(async (tx) => {
    const record = anImport('a', { state: 'reverting' });
    await tx.insertImage(anImage({ id: 'a' }));
    await tx.insertImport(record, []);
    await tx.updateImport(record.id, { state: ['reverting'] }, { state, finishedAt: new Date() });
    return record;
  });
  expect(await database.read.notifications(0, 10)).toMatchObject([
    { type: 'task.create', payload: { id } },
    { type: state === 'succeeded' ? 'task.success' : 'task.failure', payload: { id } },
  ]);
  await database.close();
});
