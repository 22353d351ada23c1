import type { JsonObject } from '../../base/json.js';
import type { Notification } from '../../engine/notification.js';
import { insertRows } from '../change-rows.js';
import { NotificationRow } from '../entities/notification-row.js';
import { jsonColumn, jsonObjectSchema } from '../json-column.js';
import { fromTime, toTime } from '../numbers.js';
import { Parameters, withValues } from '../parameters.js';
import { selectRows } from '../select-rows.js';
import type { Sql } from '../statements.js';

const payloadColumn = jsonColumn<JsonObject>('notifications.payload', jsonObjectSchema);

/** The oldest ones behind a number, in their order. */
export async function readNotifications(
  sql: Sql,
  after: number,
  limit: number,
): Promise<readonly Notification[]> {
  const parameters = new Parameters();
  const behind = `"row"."sequence" > ${parameters.add(after)}`;
  const rest = `WHERE ${behind} ORDER BY "sequence" LIMIT ${parameters.add(limit)}`;
  const rows = await sql.run((manager) => selectRows(manager, NotificationRow, rest, parameters));
  return rows.map(({ sequence, id, at, type, payload }) => ({
    ...{ sequence, id, type },
    at: fromTime(at),
    payload: payloadColumn.read(payload),
  }));
}

export async function insertNotification(
  sql: Sql,
  { id, at, type, payload }: Omit<Notification, 'sequence'>,
): Promise<void> {
  const row = { id, at: toTime(at), type, payload: payloadColumn.write(payload) };
  await sql.run((manager) => insertRows(manager, NotificationRow, [row]));
}

export async function deleteNotifications(sql: Sql, through: number): Promise<void> {
  const parameters = new Parameters();
  const statement = `DELETE FROM "notifications" WHERE "sequence" <= ${parameters.add(through)}`;
  await sql.run((manager) => manager.query(...withValues(statement, parameters)));
}
