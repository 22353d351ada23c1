import type { QuotaUsage } from '../image/quota.js';
import { LIVE_IMPORT_STATES } from '../engine/states.js';
import { fromCount } from './numbers.js';
import { Parameters, withValues } from './parameters.js';
import type { Sql } from './statements.js';

/**
 * What the images of a project take. Bytes that come count as soon as they are reserved, those of a
 * live import once for each store that it is for; what a file takes in staging after an import has
 * made it does not count again.
 */
export async function readUsage(sql: Sql, projectId: string): Promise<QuotaUsage> {
  const parameters = new Parameters();
  const statement = usageOf(parameters.add(projectId), parameters.addList(LIVE_IMPORT_STATES));
  const [row] = await sql.run((manager) =>
    manager.query<readonly QuotaUsage[]>(...withValues(statement, parameters)),
  );
  const count = (name: keyof QuotaUsage): number => fromCount(`usage.${name}`, row?.[name] ?? 0);
  return {
    image_size_total: count('image_size_total'),
    image_stage_total: count('image_stage_total'),
    image_count_total: count('image_count_total'),
    image_count_uploading: count('image_count_uploading'),
  };
}

/**
 * The bytes of `PUT …/file` go through staging, but nobody has staged them. Locations are looked up for each
 * image: joined, SQLite goes through those of every project.
 */
function usageOf(project: string, live: string): string {
  return `WITH
  "own" AS (SELECT "id", "status", COALESCE("size", 0) AS "size" FROM "images"
    WHERE "owner" = ${project} AND "deleted_at" IS NULL),
  "live" AS (SELECT "id", "image_id", "data", json_array_length("stores") AS "copies" FROM "imports"
    WHERE "state" IN ${live} AND "image_id" IN (SELECT "id" FROM "own")),
  "held" AS (SELECT "generations"."image_id", "generations"."import_id", "number",
      COALESCE("size", "bytes", 0) AS "bytes"
    FROM "generations"
    LEFT JOIN "reservations" ON "generation_id" = "generations"."id" AND "purpose" = 'data'
    WHERE "state" IN ('writing', 'ready')
      AND "generations"."image_id" IN (SELECT "id" FROM "own"))
SELECT
  (SELECT COUNT(*) FROM "own") AS "image_count_total",
  (SELECT COUNT(*) FROM "own" WHERE "status" IN ('saving', 'uploading', 'importing')
    OR "id" IN (SELECT "image_id" FROM "live")) AS "image_count_uploading",
  (SELECT COALESCE(SUM("bytes"), 0) FROM "held" INNER JOIN "own" ON "own"."id" = "image_id"
    WHERE "number" = 0 AND "status" <> 'saving') AS "image_stage_total",
  (SELECT COALESCE(SUM("size" * (SELECT COUNT(*) FROM "locations"
      WHERE "image_id" = "own"."id" AND "state" = 'active')), 0) FROM "own")
  + (SELECT COALESCE(SUM("copies" * CASE "data" WHEN 'existing' THEN "size" ELSE
      (SELECT COALESCE(MAX("bytes"), 0) FROM "held" WHERE "import_id" = "live"."id") END), 0)
    FROM "live" INNER JOIN "own" ON "own"."id" = "live"."image_id") AS "image_size_total"`;
}
