import { MoreThan } from 'typeorm';
import type { JsonObject } from '../../base/json.js';
import type { ImportEvent } from '../../engine/import.js';
import { EventRow } from '../entities/event-row.js';
import { fromTime, toTime } from '../numbers.js';
import type { Sql } from '../statements.js';
import { eventJson } from './import-json.js';

export async function readEvents(
  sql: Sql,
  importId: string,
  afterSequence: number,
  limit: number,
): Promise<readonly ImportEvent[]> {
  const rows = await sql.run((manager) =>
    manager.find(EventRow, {
      where: { importId, sequence: MoreThan(afterSequence) },
      order: { sequence: 'ASC' },
      take: limit,
    }),
  );
  return rows.map((row) => ({
    importId: row.importId,
    sequence: row.sequence,
    at: fromTime(row.at),
    type: row.type,
    data: eventJson.data.read(row.data),
  }));
}

/** Numbers are without gaps: no other transaction writes between the reading and the writing. */
export async function appendEvent(
  sql: Sql,
  importId: string,
  at: Date,
  type: string,
  data: JsonObject,
): Promise<ImportEvent> {
  return sql.run(async (manager) => {
    const last = await manager.maximum(EventRow, 'sequence', { importId });
    const event: ImportEvent = { importId, sequence: (last ?? 0) + 1, at, type, data };
    await manager.insert(EventRow, {
      ...event,
      at: toTime(at),
      data: eventJson.data.write(data),
    });
    return event;
  });
}
