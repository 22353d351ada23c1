import type { Json } from '../../base/json.js';
import { insertRows } from '../change-rows.js';
import { ObservationRow } from '../entities/observation-row.js';
import { jsonColumn, jsonSchema } from '../json-column.js';
import { findRows } from '../select-rows.js';
import type { Sql } from '../statements.js';

const resultColumn = jsonColumn('observations.result', jsonSchema);

export async function readObservations(
  sql: Sql,
  generationId: string,
): Promise<Readonly<Record<string, Json>>> {
  const rows = await sql.run((manager) =>
    findRows(manager, ObservationRow, { generationId }, '"observer"'),
  );
  return Object.fromEntries(
    rows.map(({ observer, result }) => [observer, resultColumn.read(result)]),
  );
}

/** The last result of an observer counts. */
export async function saveObservation(
  sql: Sql,
  generationId: string,
  observer: string,
  result: Json,
): Promise<void> {
  const row = { generationId, observer, result: resultColumn.write(result) };
  await sql.run((manager) =>
    insertRows(manager, ObservationRow, [row], ['generationId', 'observer']),
  );
}
