import type { EntityManager, ObjectLiteral, QueryResult } from 'typeorm';
import type { Columns } from './columns.js';
import { Parameters, withValues } from './parameters.js';
import { columnOf, conditionOf, tableOf } from './table.js';
import type { Where } from './table.js';

/**
 * Inserts rows that name the same columns; what they do not name has its default.
 * @param key columns of a row: where there is one already, it takes the values of the new one
 */
export async function insertRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: new () => Row,
  rows: readonly Partial<Columns<Row>>[],
  key: readonly (keyof Row & string)[] = [],
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const table = tableOf(manager, entity);
  const members = Object.keys(first);
  const parameters = new Parameters();
  const columns = members.map((member) => columnOf(table, member));
  const values = rows.map((row) => parameters.addList(members.map((member) => row[member])));
  const renewed = columns.map((column) => `${column} = excluded.${column}`);
  const conflict =
    key.length === 0
      ? ''
      : ` ON CONFLICT (${key.map((member) => columnOf(table, member)).join(', ')})
          DO UPDATE SET ${renewed.join(', ')}`;
  const sql = `INSERT INTO ${table.name} (${columns.join(', ')}) VALUES ${values.join(', ')}${conflict}`;
  await change(manager, sql, parameters);
}

/**
 * Answers how many rows were changed. `undefined` leaves a column as it is.
 * @throws {BugError} `NO_VALUE` as {@link conditionOf} says
 */
export async function updateRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: new () => Row,
  where: Where<Row>,
  values: { readonly [Name in keyof Row]?: Row[Name] | undefined },
): Promise<number> {
  const table = tableOf(manager, entity);
  const parameters = new Parameters();
  const settings = (Object.entries(values) as [string, unknown][])
    .filter(([, value]) => value !== undefined)
    .map(([member, value]) => `${columnOf(table, member)} = ${parameters.add(value)}`);
  const condition = conditionOf(table, where, parameters);
  const sql = `UPDATE ${table.name} SET ${settings.join(', ')} WHERE ${condition}`;
  return change(manager, sql, parameters);
}

/**
 * Answers how many rows there were.
 * @throws {BugError} `NO_VALUE` as {@link conditionOf} says
 */
export async function deleteRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: new () => Row,
  where: Where<Row>,
): Promise<number> {
  const table = tableOf(manager, entity);
  const parameters = new Parameters();
  const sql = `DELETE FROM ${table.name} WHERE ${conditionOf(table, where, parameters)}`;
  return change(manager, sql, parameters);
}

async function change(
  manager: EntityManager,
  sql: string,
  parameters: Parameters,
): Promise<number> {
  const [statement, values] = withValues(sql, parameters);
  const runner = manager.connection.createQueryRunner();
  const { affected }: QueryResult = await runner.query(statement, values, true);
  return affected ?? 0;
}
