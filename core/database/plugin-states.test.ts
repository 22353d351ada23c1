import { describe, expect, it } from 'vitest';
import { openTestDatabase } from '../../test/support/database.js';

describe('pluginState', () => {
  it('is kept by plugin and key until it is set to undefined', async () => {
    const { database } = await openTestDatabase();
    await database.write(async (tx) => {
      await tx.setPluginState('a', 'k', { n: 1 });
      await tx.setPluginState('a', 'k', [2]);
      await tx.setPluginState('a', 'nothing', null);
      await tx.setPluginState('b', 'k', 'of b');
    });
    const { read } = database;
    expect(await read.pluginState('a', 'k')).toEqual([2]);
    expect(await read.pluginState('a', 'nothing')).toBeNull();
    expect(await read.pluginState('b', 'k')).toBe('of b');
    await database.write((tx) => tx.setPluginState('a', 'k', undefined));
    expect(await read.pluginState('a', 'k')).toBeUndefined();
    expect(await read.pluginState('b', 'k')).toBe('of b');
  });
});
