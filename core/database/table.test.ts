import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { openTestDatabase } from '../../test/support/database.js';
import { aLocation, anImage } from '../../test/support/records.js';
import { deleteRows, updateRows } from './change-rows.js';
import { dataSourceOptions } from './data-source.js';
import { LocationRow } from './entities/location-row.js';
import { findRows } from './select-rows.js';

describe('a condition without a value', () => {
  it('is refused, and meets no row', async () => {
    const { database, path } = await openTestDatabase();
    const image = anImage();
    const location = aLocation(image.id);
    await database.write(async (tx) => {
      await tx.insertImage(image);
      await tx.insertLocation(location);
    });
    const source = await new DataSource(dataSourceOptions(path, 1_000)).initialize();
    try {
      const { manager } = source;
      // As a value that the types have missed would arrive.
      const where = { id: undefined as unknown as string };
      const refusal = { class: 'bug', code: 'NO_VALUE' };
      await expect(deleteRows(manager, LocationRow, where)).rejects.toMatchObject(refusal);
      const change = { url: 'x' };
      await expect(updateRows(manager, LocationRow, where, change)).rejects.toMatchObject(refusal);
      expect(() => findRows(manager, LocationRow, where)).toThrow('has no value');
    } finally {
      await source.destroy();
    }
    expect(await database.read.locations({})).toEqual([location]);
  });
});
