import type { EntityManager } from 'typeorm';
import type { ImageChange } from '../../engine/ports.js';
import type { Image, ImageStatus } from '../../image/image.js';
import { assertImageTransition } from '../../image/status.js';
import { deleteRows, insertRows } from '../change-rows.js';
import type { Columns } from '../columns.js';
import { conditionalUpdate } from '../conditional-update.js';
import { ImageMemberRow } from '../entities/image-member-row.js';
import { ImagePropertyRow } from '../entities/image-property-row.js';
import { ImageRow } from '../entities/image-row.js';
import { ImageTagRow } from '../entities/image-tag-row.js';
import { toTime } from '../numbers.js';
import type { Sql } from '../statements.js';
import { toImageColumns } from './image-mapper.js';

/** What an image says of its bytes when it waits for them again. */
const NOTHING_HELD = { size: null, virtualSize: null } as const;

export async function insertImage(sql: Sql, image: Image): Promise<void> {
  await sql.run(async (manager) => {
    const row = {
      id: image.id,
      ...toImageColumns(image),
      createdAt: toTime(image.createdAt),
      updatedAt: toTime(image.updatedAt),
      deletedAt: image.status === 'deleted' ? toTime(image.updatedAt) : null,
    };
    await insertRows(manager, ImageRow, [row]);
    await insertTags(manager, image.id, image.tags);
    await setProperties(manager, image.id, image.properties);
  });
}

export async function updateImage(
  sql: Sql,
  id: string,
  when: { readonly status: readonly ImageStatus[] },
  change: ImageChange,
  at: Date,
): Promise<boolean> {
  const { status } = change;
  if (status !== undefined) for (const from of when.status) assertImageTransition(from, status);
  return sql.run(async (manager) => {
    const isDeleted = change.status === 'deleted';
    const changed = await conditionalUpdate(
      manager,
      ImageRow,
      { id, status: when.status },
      {
        ...(change.status === 'queued' ? NOTHING_HELD : {}),
        ...toImageColumns(change),
        updatedAt: toTime(at),
        ...(isDeleted ? { deletedAt: toTime(at) } : {}),
      },
    );
    if (!changed) return false;
    if (isDeleted) {
      await deleteRows(manager, ImageTagRow, { imageId: id });
      await deleteRows(manager, ImagePropertyRow, { imageId: id });
      await deleteRows(manager, ImageMemberRow, { imageId: id });
      return true;
    }
    if (change.tags !== undefined) {
      await deleteRows(manager, ImageTagRow, { imageId: id });
      await insertTags(manager, id, change.tags);
    }
    if (change.replaceProperties === true)
      await deleteRows(manager, ImagePropertyRow, { imageId: id });
    await setProperties(manager, id, change.properties ?? {});
    return true;
  });
}

async function insertTags(
  manager: EntityManager,
  imageId: string,
  tags: readonly string[],
): Promise<void> {
  const unique = [...new Set(tags)];
  await insertRows(
    manager,
    ImageTagRow,
    unique.map((tag) => ({ imageId, tag })),
  );
}

async function setProperties(
  manager: EntityManager,
  imageId: string,
  properties: Readonly<Record<string, string | null>>,
): Promise<void> {
  const removed: string[] = [];
  const set: Columns<ImagePropertyRow>[] = [];
  for (const [name, value] of Object.entries(properties)) {
    if (value === null) removed.push(name);
    else set.push({ imageId, name, value });
  }
  if (removed.length > 0) await deleteRows(manager, ImagePropertyRow, { imageId, name: removed });
  await insertRows(manager, ImagePropertyRow, set, ['imageId', 'name']);
}
