import type { ColumnType, EntityManager, EntityMetadata, ObjectLiteral } from 'typeorm';
import { BugError } from '../base/errors.js';
import type { Parameters } from './parameters.js';

/** What the statements of our own need of the description of a table. */
export interface Table {
  /** Quoted. */
  readonly name: string;
  /** Of the columns, by the name of the member; quoted. */
  readonly columns: ReadonlyMap<string, string>;
  /** `SELECT … FROM …`: each row as one JSON object of its members named `"json"`, the table as `"row"`. */
  readonly select: string;
}

/** By the description of the table, of which each connection has its own. */
const tables = new WeakMap<EntityMetadata, Table>();

export function tableOf(manager: EntityManager, entity: new () => ObjectLiteral): Table {
  const metadata = manager.connection.getMetadata(entity);
  let table = tables.get(metadata);
  if (table === undefined) {
    table = describeTable(metadata);
    tables.set(metadata, table);
  }
  return table;
}

function describeTable({ tableName, columns }: EntityMetadata): Table {
  const name = `"${tableName}"`;
  // `'' ||` keeps what a query has made of JSON a text, as the mappers read it, instead of a part of the row.
  const members = columns.map(({ databaseName, propertyName, query, type }) => {
    const value =
      query === undefined ? jsonOf(`"row"."${databaseName}"`, type) : `'' || (${query('"row"')})`;
    return `'${propertyName}', ${value}`;
  });
  return {
    name,
    columns: new Map(
      columns.map(({ propertyName, databaseName }) => [propertyName, `"${databaseName}"`]),
    ),
    select: `SELECT json_object(${members.join(', ')}) AS "json" FROM ${name} "row"`,
  };
}

/** A column as `json_object` takes it: booleans are kept as 0 and 1, and it rounds to fifteen digits. */
function jsonOf(column: string, type: ColumnType): string {
  if (type === 'boolean') return `json(iif(${column}, 'true', 'false'))`;
  if (type === 'double') return `json(iif(${column} IS NULL, 'null', printf('%!.17g', ${column})))`;
  return column;
}

/** @throws {BugError} `NO_COLUMN` */
export function columnOf(table: Table, member: string): string {
  const column = table.columns.get(member);
  if (column !== undefined) return column;
  throw new BugError({
    code: 'NO_COLUMN',
    message: `The table ${table.name} has no column for "${member}"`,
  });
}

/** Which rows: each column named is equal to the value, or to one of the values of a list. */
export type Where<Row> = {
  readonly [Name in keyof Row]?: Row[Name] | readonly Row[Name][];
};

/**
 * The condition of a statement; `null` asks for what has no value.
 * @throws {BugError} `NO_VALUE` for `undefined`: left out, it would let the statement meet all rows
 */
export function conditionOf<Row extends ObjectLiteral>(
  table: Table,
  where: Where<Row>,
  parameters: Parameters,
): string {
  const conditions: string[] = [];
  for (const [name, value] of Object.entries(where) as [string, unknown][]) {
    const column = columnOf(table, name);
    if (value === undefined) throw noValue(table, column);
    if (value === null) conditions.push(`${column} IS NULL`);
    else if (Array.isArray(value)) conditions.push(`${column} IN ${parameters.addList(value)}`);
    else conditions.push(`${column} = ${parameters.add(value)}`);
  }
  return conditions.length === 0 ? 'TRUE' : conditions.join(' AND ');
}

function noValue({ name }: Table, column: string): BugError {
  return new BugError({
    code: 'NO_VALUE',
    message: `A condition on ${column} of ${name} has no value`,
  });
}
