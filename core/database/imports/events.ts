import { BugError } from '../../base/errors.js';
import type { JsonObject } from '../../base/json.js';
import type { ImportEvent } from '../../engine/import.js';
import { EventRow } from '../entities/event-row.js';
import { fromTime, toTime } from '../numbers.js';
import { Parameters } from '../parameters.js';
import { selectRows } from '../select-rows.js';
import type { Sql } from '../statements.js';
import { eventJson } from './import-json.js';

export async function readEvents(
  sql: Sql,
  importId: string,
  afterSequence: number,
  limit: number,
): Promise<readonly ImportEvent[]> {
  const parameters = new Parameters();
  const rest = `WHERE "import_id" = ${parameters.add(importId)}
    AND "sequence" > ${parameters.add(afterSequence)}
    ORDER BY "sequence" LIMIT ${parameters.add(limit)}`;
  const rows = await sql.run((manager) => selectRows(manager, EventRow, rest, parameters));
  return rows.map((row) => ({
    importId: row.importId,
    sequence: row.sequence,
    at: fromTime(row.at),
    type: row.type,
    data: eventJson.data.read(row.data),
  }));
}

/** One statement, which does not begin with INSERT: of those TypeORM does not hand on what they return. */
const APPEND = `WITH "last" AS (SELECT MAX("sequence") AS "sequence" FROM "import_events" WHERE "import_id" = ?)
  INSERT INTO "import_events" ("import_id", "sequence", "at", "type", "data")
  SELECT ?, COALESCE("last"."sequence", 0) + 1, ?, ?, ? FROM "last" RETURNING "sequence"`;

/** Numbers are without gaps: no other transaction writes between the reading and the writing. */
export async function appendEvent(
  sql: Sql,
  importId: string,
  at: Date,
  type: string,
  data: JsonObject,
): Promise<ImportEvent> {
  return sql.run(async (manager) => {
    const [row] = await manager.query<readonly Pick<EventRow, 'sequence'>[]>(APPEND, [
      importId,
      importId,
      toTime(at),
      type,
      eventJson.data.write(data),
    ]);
    if (row === undefined) {
      throw new BugError({ code: 'NO_ROW', message: 'An event was written and has no number' });
    }
    return { importId, sequence: row.sequence, at, type, data };
  });
}
