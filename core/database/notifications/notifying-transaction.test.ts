import path from 'node:path';
import { expect, it } from 'vitest';
import { anImage } from '../../../test/support/an-image.js';
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
  expect([await database.read.notifications(10), committed]).toEqual([[], 0]);

  await database.write(async (tx) => {
    await tx.insertImage(anImage({ id: 'b' }));
    // A change whose condition does not hold is none.
    await tx.updateImage('b', { status: ['active'] }, { name: 'x' }, new Date());
    // Nor is what is told with the status that it leads to.
    await tx.updateImage('b', { status: ['queued'] }, { status: 'uploading' }, new Date());
    await tx.updateImage('b', { status: ['uploading'] }, { size: 5 }, new Date());
  });
  const first = await database.read.notifications(10);
  expect(first).toMatchObject([{ sequence: 1, type: 'image.create', payload: { id: 'b' } }]);
  expect(committed).toBe(1);

  await database.write((tx) => tx.deleteNotifications(1));
  await database.write((tx) => tx.insertImage(anImage({ id: 'c' })));
  expect(await database.read.notifications(10)).toMatchObject([{ sequence: 2 }]);
  await database.close();
});
