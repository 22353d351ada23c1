import path from 'node:path';
import { DataSource } from 'typeorm';
import { expect, it } from 'vitest';
import { gate } from '../../test/support/gate.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { dataSourceOptions } from './data-source.js';
import { ReadingConnections } from './reading-connections.js';

it('lets nobody wait for a slow reader while a connection is free, and closes after all', async () => {
  await using directory = await tempDir();
  const file = path.join(directory.path, 'database');
  const sources = [1, 2].map(() => new DataSource(dataSourceOptions(file, 1000)));
  for (const source of sources) await source.initialize();
  const connections = new ReadingConnections(sources);
  const held = gate();
  const slow = connections.run(async (manager) => {
    await held.opened;
    return manager.query<unknown>('SELECT 1 AS "one"');
  });
  for (let times = 0; times < 3; times += 1) {
    const answer = await connections.run((manager) => manager.query<unknown>('SELECT 2 AS "two"'));
    expect(answer).toEqual([{ two: 2 }]);
  }
  const closing = connections.close();
  held.open();
  expect(await slow).toEqual([{ one: 1 }]);
  await closing;
  const late = connections.run((manager) => manager.query<unknown>('SELECT 3'));
  await expect(late).rejects.toMatchObject({ code: 'DATABASE_CLOSED' });
});
