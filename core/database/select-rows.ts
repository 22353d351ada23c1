import type { EntityManager, ObjectLiteral } from 'typeorm';
import { Parameters, withValues } from './parameters.js';
import { conditionOf, tableOf } from './table.js';
import type { Where } from './table.js';

/**
 * Rows by a statement of our own, for what every request or every step of an import reads: TypeORM puts
 * its statement together anew for every read, and takes longer for that and for making entities of
 * the answer than SQLite takes to find it. A row comes as one text: the driver takes longer to hand
 * over the columns of a row one by one than it takes to read them out of JSON.
 * @param rest what stands behind FROM: conditions and order, with the table named `"row"` and its
 *   columns as they are in the database
 */
export async function selectRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: new () => Row,
  rest: string,
  parameters: Parameters,
): Promise<readonly Row[]> {
  const { select } = tableOf(manager, entity);
  const [statement, values] = withValues(`${select} ${rest}`, parameters);
  const rows = await manager.query<readonly { readonly json: string }[]>(statement, values);
  // The members are those of the table's description, each under its own name.
  return rows.map(({ json }) => JSON.parse(json) as Row);
}

/** @param order columns as they are in the database */
export function findRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: new () => Row,
  where: Where<Row>,
  order?: string,
): Promise<readonly Row[]> {
  const parameters = new Parameters();
  const condition = conditionOf(tableOf(manager, entity), where, parameters);
  const rest = `WHERE ${condition}${order === undefined ? '' : ` ORDER BY ${order}`}`;
  return selectRows(manager, entity, rest, parameters);
}

export async function findRow<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: new () => Row,
  where: Where<Row>,
): Promise<Row | undefined> {
  const [row] = await findRows(manager, entity, where);
  return row;
}
