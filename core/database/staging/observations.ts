import type { Json } from '../../base/json.js';
import { ObservationRow } from '../entities/observation-row.js';
import { jsonColumn, jsonSchema } from '../json-column.js';
import { Parameters } from '../parameters.js';
import { selectRows } from '../select-rows.js';
import type { Sql } from '../statements.js';

const resultColumn = jsonColumn('observations.result', jsonSchema);

export async function readObservations(
  sql: Sql,
  generationId: string,
): Promise<Readonly<Record<string, Json>>> {
  const parameters = new Parameters();
  const rest = `WHERE "row"."generation_id" = ${parameters.add(generationId)} ORDER BY "row"."observer"`;
  const rows = await sql.run((manager) => selectRows(manager, ObservationRow, rest, parameters));
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
  await sql.run((manager) => manager.upsert(ObservationRow, row, ['generationId', 'observer']));
}
