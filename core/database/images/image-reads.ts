import { IsNull } from 'typeorm';
import type { Image } from '../../image/image.js';
import { ImageRow } from '../entities/image-row.js';
import type { Sql } from '../statements.js';
import { toImage } from './image-mapper.js';

export async function readImage(sql: Sql, id: string): Promise<Image | undefined> {
  const row = await sql.run((manager) => manager.findOneBy(ImageRow, { id, deletedAt: IsNull() }));
  return row === null ? undefined : toImage(row);
}

/** A deleted image has no properties and tags any more. */
export async function readImageEvenDeleted(sql: Sql, id: string): Promise<Image | undefined> {
  const row = await sql.run((manager) => manager.findOneBy(ImageRow, { id }));
  return row === null ? undefined : toImage(row);
}

export async function imageIdTaken(sql: Sql, id: string): Promise<boolean> {
  return sql.run((manager) => manager.existsBy(ImageRow, { id }));
}
