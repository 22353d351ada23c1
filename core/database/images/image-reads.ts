import type { Image } from '../../image/image.js';
import { ImageRow } from '../entities/image-row.js';
import { Parameters } from '../parameters.js';
import type { Sql } from '../statements.js';
import { toImage } from './image-mapper.js';
import { selectImages } from './image-select.js';

export async function readImage(sql: Sql, id: string): Promise<Image | undefined> {
  return readOne(sql, id, ' AND "image"."deleted_at" IS NULL');
}

/** A deleted image has no properties and tags any more. */
export async function readImageEvenDeleted(sql: Sql, id: string): Promise<Image | undefined> {
  return readOne(sql, id, '');
}

export async function imageIdTaken(sql: Sql, id: string): Promise<boolean> {
  return sql.run((manager) => manager.existsBy(ImageRow, { id }));
}

async function readOne(sql: Sql, id: string, further: string): Promise<Image | undefined> {
  const parameters = new Parameters();
  const condition = `WHERE "image"."id" = ${parameters.add(id)}${further}`;
  const [row] = await sql.run((manager) => selectImages(manager, condition, parameters));
  return row && toImage(row);
}
