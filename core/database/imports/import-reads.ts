import type { EntityManager } from 'typeorm';
import type { ImportOutcome, ImportRecord, TaskRecord } from '../../engine/import.js';
import type { EndedImportsQuery, ImportQuery } from '../../engine/ports.js';
import { LIVE_IMPORT_STATES } from '../../engine/states.js';
import { ImportRow } from '../entities/import-row.js';
import { TaskRow } from '../entities/task-row.js';
import { markerNotFound } from '../marker.js';
import { toTime } from '../numbers.js';
import { Parameters } from '../parameters.js';
import { findRow, findRows, selectRows } from '../select-rows.js';
import type { Sql } from '../statements.js';
import { importJson, outcomeJson } from './import-json.js';
import { toImport } from './import-mapper.js';
import { toTask } from './task-mapper.js';

export async function readImport(sql: Sql, id: string): Promise<ImportRecord | undefined> {
  const row = await sql.run((manager) => findRow(manager, ImportRow, { id }));
  return row && toImport(row);
}

export async function readLiveImport(sql: Sql, imageId: string): Promise<ImportRecord | undefined> {
  const row = await sql.run((manager) =>
    findRow(manager, ImportRow, { imageId, state: LIVE_IMPORT_STATES }),
  );
  return row && toImport(row);
}

export async function readImportByIdempotencyKey(
  sql: Sql,
  imageId: string,
  idempotencyKey: string,
): Promise<ImportRecord | undefined> {
  const row = await sql.run((manager) => findRow(manager, ImportRow, { imageId, idempotencyKey }));
  return row && toImport(row);
}

/** @throws {InvalidInputError} `MARKER_NOT_FOUND`, also for an import of another project */
export async function listImports(sql: Sql, query: ImportQuery): Promise<readonly ImportRecord[]> {
  const parameters = new Parameters();
  const conditions = conditionsOf(query, parameters);
  const direction = query.order === 'desc' ? 'DESC' : 'ASC';
  const rows = await sql.run(async (manager) => {
    if (query.marker !== undefined) {
      const { createdAt, id } = await readMarker(manager, query, query.marker);
      const comparison = direction === 'DESC' ? '<' : '>';
      const place = parameters.addList([createdAt, id]);
      conditions.push(`("row"."created_at", "row"."id") ${comparison} ${place}`);
    }
    const rest = `${ofProject(query.projectId, parameters)} WHERE ${conditions.join(' AND ')}
      ORDER BY "row"."created_at" ${direction}, "row"."id" ${direction}
      ${query.limit === undefined ? '' : `LIMIT ${parameters.add(query.limit)}`}`;
    return selectRows(manager, ImportRow, rest, parameters);
  });
  return rows.map(toImport);
}

/** By SQL of our own: it reads no more of a row than its id, and walks through one index. */
export async function readEndedImports(
  sql: Sql,
  { before, limit }: EndedImportsQuery,
): Promise<readonly string[]> {
  const rows = await sql.run((manager) =>
    manager.query<readonly { id: string }[]>(
      `SELECT "id" FROM "imports" WHERE "finished_at" < ? AND +"state" <> 'revert_failed'
        ORDER BY "finished_at" LIMIT ?`,
      [toTime(before), limit],
    ),
  );
  return rows.map(({ id }) => id);
}

/** By SQL of our own, since every image that is shown asks for it. */
const NEWEST = `SELECT "import"."id" AS "id", "import"."image_id" AS "imageId", "import"."method" AS "method",
  "import"."state" AS "state", "import"."stores" AS "stores",
  (SELECT json_group_array(json_object('store', "store", 'state', "state") ORDER BY "position")
    FROM "tasks" WHERE "import_id" = "import"."id") AS "tasks"
  FROM "imports" "import"
  WHERE "import"."id" = (SELECT "id" FROM "imports" WHERE "image_id" = "import"."image_id"
    ORDER BY "created_at" DESC, "id" DESC LIMIT 1)`;

type NewestImport = Pick<ImportRow, 'id' | 'imageId' | 'method' | 'state' | 'stores'> & {
  readonly tasks: string;
};

export async function readNewestImports(
  sql: Sql,
  imageIds: readonly string[],
): Promise<readonly ImportOutcome[]> {
  if (imageIds.length === 0) return [];
  const places = imageIds.map(() => '?').join(', ');
  const rows = await sql.run((manager) =>
    manager.query<readonly NewestImport[]>(`${NEWEST} AND "import"."image_id" IN (${places})`, [
      ...imageIds,
    ]),
  );
  return rows.map((row) => ({
    ...row,
    stores: importJson.stores.read(row.stores),
    tasks: outcomeJson.tasks.read(row.tasks),
  }));
}

export async function readTasks(sql: Sql, importId: string): Promise<readonly TaskRecord[]> {
  const rows = await sql.run((manager) => findRows(manager, TaskRow, { importId }, '"position"'));
  return rows.map(toTask);
}

function conditionsOf(query: ImportQuery, parameters: Parameters): string[] {
  const { imageId, states } = query;
  const conditions = ['TRUE'];
  if (imageId !== undefined) conditions.push(`"row"."image_id" = ${parameters.add(imageId)}`);
  if (states !== undefined) conditions.push(`"row"."state" IN ${parameters.addList(states)}`);
  return conditions;
}

/** Images that are deleted go on to say whose their imports were. */
function ofProject(projectId: string | undefined, parameters: Parameters): string {
  if (projectId === undefined) return '';
  return `INNER JOIN "images" "image"
    ON "image"."id" = "row"."image_id" AND "image"."owner" = ${parameters.add(projectId)}`;
}

async function readMarker(
  manager: EntityManager,
  { projectId }: ImportQuery,
  id: string,
): Promise<ImportRow> {
  const parameters = new Parameters();
  const rest = `${ofProject(projectId, parameters)} WHERE "row"."id" = ${parameters.add(id)}`;
  const [marker] = await selectRows(manager, ImportRow, rest, parameters);
  if (marker !== undefined) return marker;
  throw markerNotFound('import', id);
}
