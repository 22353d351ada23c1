import type { EntityManager, EntityMetadata, ObjectLiteral } from 'typeorm';
import type { Parameters } from './parameters.js';

interface Select {
  readonly sql: string;
  /** Members that SQLite keeps as 0 and 1. */
  readonly booleans: readonly string[];
}

/** By the description of the table, of which each connection has its own. */
const selects = new WeakMap<EntityMetadata, Select>();

/**
 * Rows by a statement of our own, for what every request or every step of an import reads: TypeORM puts
 * its statement together anew for every read, and takes longer for that and for making entities of
 * the answer than SQLite takes to find it.
 * @param rest what stands behind FROM: conditions and order, with the table named `"row"` and its
 *   columns as they are in the database
 */
export async function selectRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: new () => Row,
  rest: string,
  parameters: Parameters,
): Promise<readonly Row[]> {
  const { connection } = manager;
  const { sql, booleans } = selectOf(connection.getMetadata(entity));
  const [statement, values] = connection.driver.escapeQueryWithParameters(
    `${sql} ${rest}`,
    parameters.values,
    {},
  );
  const rows = await manager.query<Record<string, unknown>[]>(statement, values);
  for (const row of rows) {
    for (const name of booleans) row[name] = row[name] === 1;
  }
  // The members are those of the table's description, each under its own name.
  return rows as unknown as readonly Row[];
}

function selectOf(metadata: EntityMetadata): Select {
  const known = selects.get(metadata);
  if (known !== undefined) return known;
  const columns = metadata.columns.map(({ databaseName, propertyName, query }) => {
    const value = query === undefined ? `"row"."${databaseName}"` : `(${query('"row"')})`;
    return `${value} AS "${propertyName}"`;
  });
  const select = {
    sql: `SELECT ${columns.join(', ')} FROM "${metadata.tableName}" "row"`,
    booleans: metadata.columns
      .filter(({ type }) => type === 'boolean')
      .map(({ propertyName }) => propertyName),
  };
  selects.set(metadata, select);
  return select;
}
