import type { EntityManager, ObjectLiteral } from 'typeorm';
import { updateRows } from './change-rows.js';
import { findRow } from './select-rows.js';
import type { Where } from './table.js';

/**
 * Changes the row that fulfils `where`; `false` where there is none. A change of nothing only asks
 * whether there is one. `undefined` in `change` leaves a column as it is.
 */
export async function conditionalUpdate<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: new () => Row,
  where: Where<Row>,
  change: { readonly [Name in keyof Row]?: Row[Name] | undefined },
): Promise<boolean> {
  const isEmpty = Object.values(change).every((value) => value === undefined);
  if (isEmpty) return (await findRow(manager, entity, where)) !== undefined;
  return (await updateRows(manager, entity, where, change)) > 0;
}
