import { In } from 'typeorm';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import type { ImportOutcome, ImportRecord, TaskRecord } from '../../engine/import.js';
import type { ImportQuery } from '../../engine/ports.js';
import { LIVE_IMPORT_STATES } from '../../engine/states.js';
import { ImageRow } from '../entities/image-row.js';
import { ImportRow } from '../entities/import-row.js';
import { TaskRow } from '../entities/task-row.js';
import { markerNotFound } from '../marker.js';
import { toTime } from '../numbers.js';
import { Parameters } from '../parameters.js';
import { selectRows } from '../select-rows.js';
import type { Sql } from '../statements.js';
import { importJson, outcomeJson } from './import-json.js';
import { toImport } from './import-mapper.js';
import { toTask } from './task-mapper.js';

export async function readImport(sql: Sql, id: string): Promise<ImportRecord | undefined> {
  const parameters = new Parameters();
  const rest = `WHERE "row"."id" = ${parameters.add(id)}`;
  const [row] = await sql.run((manager) => selectRows(manager, ImportRow, rest, parameters));
  return row && toImport(row);
}

export async function readLiveImport(sql: Sql, imageId: string): Promise<ImportRecord | undefined> {
  const row = await sql.run((manager) =>
    manager.findOneBy(ImportRow, { imageId, state: In(LIVE_IMPORT_STATES) }),
  );
  return row === null ? undefined : toImport(row);
}

export async function readImportByIdempotencyKey(
  sql: Sql,
  imageId: string,
  idempotencyKey: string,
): Promise<ImportRecord | undefined> {
  const row = await sql.run((manager) => manager.findOneBy(ImportRow, { imageId, idempotencyKey }));
  return row === null ? undefined : toImport(row);
}

/** @throws {InvalidInputError} `MARKER_NOT_FOUND`, also for an import of another project */
export async function listImports(sql: Sql, query: ImportQuery): Promise<readonly ImportRecord[]> {
  const rows = await sql.run(async (manager) => {
    const imports = matching(manager, query);
    const direction = query.order === 'desc' ? 'DESC' : 'ASC';
    if (query.marker !== undefined) {
      const marker = await readMarker(manager, query, query.marker);
      const comparison = direction === 'DESC' ? '<' : '>';
      imports.andWhere(`(import.createdAt, import.id) ${comparison} (:createdAt, :id)`, {
        createdAt: marker.createdAt,
        id: marker.id,
      });
    }
    if (query.limit !== undefined) imports.limit(query.limit);
    return imports
      .orderBy('import.createdAt', direction)
      .addOrderBy('import.id', direction)
      .getMany();
  });
  return rows.map(toImport);
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
  const parameters = new Parameters();
  const rest = `WHERE "row"."import_id" = ${parameters.add(importId)} ORDER BY "row"."position"`;
  const rows = await sql.run((manager) => selectRows(manager, TaskRow, rest, parameters));
  return rows.map(toTask);
}

function matching(manager: EntityManager, query: ImportQuery): SelectQueryBuilder<ImportRow> {
  const imports = manager.createQueryBuilder(ImportRow, 'import').where('TRUE');
  if (query.imageId !== undefined) {
    imports.andWhere('import.imageId = :imageId', { imageId: query.imageId });
  }
  if (query.states !== undefined) {
    imports.andWhere('import.state IN (:...states)', { states: query.states });
  }
  if (query.finishedBefore !== undefined) {
    imports.andWhere('import.finishedAt < :finishedBefore', {
      finishedBefore: toTime(query.finishedBefore),
    });
  }
  return ofProject(imports, query.projectId);
}

/** Images that are deleted go on to say whose their imports were. */
function ofProject(
  imports: SelectQueryBuilder<ImportRow>,
  projectId: string | undefined,
): SelectQueryBuilder<ImportRow> {
  if (projectId === undefined) return imports;
  return imports.innerJoin(
    ImageRow,
    'image',
    'image.id = import.imageId AND image.owner = :projectId',
    { projectId },
  );
}

async function readMarker(
  manager: EntityManager,
  query: ImportQuery,
  id: string,
): Promise<ImportRow> {
  const marker = await ofProject(
    manager.createQueryBuilder(ImportRow, 'import').where('import.id = :id', { id }),
    query.projectId,
  ).getOne();
  if (marker !== null) return marker;
  throw markerNotFound('import', id);
}
