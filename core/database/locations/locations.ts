import type { LocationQuery } from '../../engine/ports.js';
import type { Location, LocationState } from '../../store/location.js';
import { deleteRows, insertRows } from '../change-rows.js';
import { defined } from '../columns.js';
import { conditionalUpdate } from '../conditional-update.js';
import { LocationRow } from '../entities/location-row.js';
import { findRows } from '../select-rows.js';
import type { Sql } from '../statements.js';
import { toLocation, toLocationColumns, toLocationRow } from './location-mapper.js';
import type { LocationChange } from './location-mapper.js';

/** By age. */
export async function listLocations(sql: Sql, query: LocationQuery): Promise<readonly Location[]> {
  const { imageId, imageIds, importId, store, objectName, states } = query;
  const where = defined({
    ...{ imageId: imageIds ?? imageId, importId, store, objectName },
    state: states,
  });
  const rows = await sql.run((manager) =>
    findRows(manager, LocationRow, where, '"created_at", "id"'),
  );
  return rows.map(toLocation);
}

/** From store to store through an index, not from location to location. */
const USED_STORES = `WITH RECURSIVE "known" ("store") AS (
    SELECT MIN("store") FROM "locations"
    UNION ALL
    SELECT (SELECT MIN("store") FROM "locations" WHERE "store" > "known"."store")
      FROM "known" WHERE "known"."store" IS NOT NULL
  )
  SELECT "store" FROM "known" WHERE EXISTS (SELECT 1 FROM "locations" "held"
    WHERE "held"."store" = "known"."store" AND "held"."url" IS NOT NULL)`;

/** The stores that hold anything, or may. */
export async function listUsedStores(sql: Sql): Promise<readonly string[]> {
  const rows = await sql.run((manager) => manager.query<readonly { store: string }[]>(USED_STORES));
  return rows.map(({ store }) => store);
}

/** @throws {ConflictError} `LOCATION_EXISTS` when the image has one in this store, not `deleting` */
export async function insertLocation(sql: Sql, location: Location): Promise<void> {
  await sql.run((manager) => insertRows(manager, LocationRow, [toLocationRow(location)]));
}

export async function updateLocation(
  sql: Sql,
  id: string,
  when: { readonly state: readonly LocationState[] },
  change: LocationChange,
): Promise<boolean> {
  return sql.run((manager) =>
    conditionalUpdate(manager, LocationRow, { id, state: when.state }, toLocationColumns(change)),
  );
}

export async function deleteLocation(sql: Sql, id: string): Promise<void> {
  await sql.run((manager) => deleteRows(manager, LocationRow, { id }));
}
