import type { Image } from '../../image/image.js';
import { ImageRow } from '../entities/image-row.js';
import { Parameters } from '../parameters.js';
import { selectRows } from '../select-rows.js';
import type { Sql } from '../statements.js';
import { toImage } from './image-mapper.js';

export async function readImage(sql: Sql, id: string): Promise<Image | undefined> {
  return readOne(sql, id, ' AND "row"."deleted_at" IS NULL');
}

/** A deleted image has no properties and tags any more. */
export async function readImageEvenDeleted(sql: Sql, id: string): Promise<Image | undefined> {
  return readOne(sql, id, '');
}

export async function imageIdTaken(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql.run((manager) =>
    manager.query<readonly unknown[]>('SELECT 1 FROM "images" WHERE "id" = ?', [id]),
  );
  return rows.length > 0;
}

/** Active images without digests; `limit` of them behind an id. */
export async function readUndigested(
  sql: Sql,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  const rows = await sql.run((manager) =>
    manager.query<readonly { id: string }[]>(
      `SELECT "id" FROM "images" WHERE "status" = 'active' AND "os_hash_value" IS NULL
         AND "size" > 0 AND "id" > ? ORDER BY "id" LIMIT ?`,
      [after, limit],
    ),
  );
  return rows.map(({ id }) => id);
}

async function readOne(sql: Sql, id: string, further: string): Promise<Image | undefined> {
  const parameters = new Parameters();
  const condition = `WHERE "row"."id" = ${parameters.add(id)}${further}`;
  const [row] = await sql.run((manager) => selectRows(manager, ImageRow, condition, parameters));
  return row && toImage(row);
}
