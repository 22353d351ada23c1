import { z } from 'zod';
import type { Failure } from '../../base/errors.js';
import type { ImageVolume, ImageVolumeState, ImageVolumeWish } from '../../engine/image-volume.js';
import type { ImageVolumeChange, ImageVolumeQuery } from '../../engine/ports.js';
import type { MadeVolume } from '../../plugin/contract/store.js';
import { insertRows } from '../change-rows.js';
import { defined, ifDefined } from '../columns.js';
import { conditionalUpdate } from '../conditional-update.js';
import { ImageVolumeRow } from '../entities/image-volume-row.js';
import { failureSchema, jsonColumn } from '../json-column.js';
import { fromTime, toTime } from '../numbers.js';
import { Parameters, withValues } from '../parameters.js';
import { findRows } from '../select-rows.js';
import type { Sql } from '../statements.js';

const wishColumn = jsonColumn<ImageVolumeWish>(
  'image_volumes.wish',
  z.object({
    name: z.string(),
    size: z.number().nullable(),
    volumeType: z.string().nullable(),
    availabilityZone: z.string().nullable(),
  }),
);
const madeColumn = jsonColumn<MadeVolume>(
  'image_volumes.made',
  z
    .object({
      id: z.string(),
      size: z.number(),
      obstacles: z.array(z.string()),
      transfer: z.object({ id: z.string(), key: z.string() }).optional(),
    })
    .transform((made) => ({ ...made, transfer: made.transfer })),
);
const failureColumn = jsonColumn<Failure>('image_volumes.failure', failureSchema);

/** The newest first. */
export async function listImageVolumes(
  sql: Sql,
  { id, imageId, projectId, states, limit }: ImageVolumeQuery,
): Promise<readonly ImageVolume[]> {
  const where = defined({ id, imageId, projectId, state: states });
  const order = `"created_at" DESC, "id"${limit === undefined ? '' : ` LIMIT ${limit}`}`;
  const rows = await sql.run((manager) => findRows(manager, ImageVolumeRow, where, order));
  return rows.map(toImageVolume);
}

export async function insertImageVolume(sql: Sql, volume: ImageVolume): Promise<void> {
  const { wish, made, failure, createdAt, finishedAt, ...columns } = volume;
  const row = {
    ...columns,
    wish: wishColumn.write(wish),
    made: madeColumn.writeNullable(made),
    failure: failureColumn.writeNullable(failure),
    createdAt: toTime(createdAt),
    finishedAt: finishedAt === null ? null : toTime(finishedAt),
  };
  await sql.run((manager) => insertRows(manager, ImageVolumeRow, [row]));
}

export async function updateImageVolume(
  sql: Sql,
  id: string,
  when: { readonly state: readonly ImageVolumeState[] },
  { state, made, failure, finishedAt }: ImageVolumeChange,
): Promise<boolean> {
  const change = defined({
    state,
    made: ifDefined(made, (value) => madeColumn.write(value)),
    failure: ifDefined(failure, (value) => failureColumn.writeNullable(value)),
    finishedAt: ifDefined(finishedAt, toTime),
  });
  return sql.run((manager) =>
    conditionalUpdate(manager, ImageVolumeRow, { id, state: when.state }, change),
  );
}

/** Those that have ended before. */
export async function deleteImageVolumes(sql: Sql, before: Date): Promise<void> {
  const parameters = new Parameters();
  const statement = `DELETE FROM "image_volumes" WHERE "finished_at" < ${parameters.add(toTime(before))}`;
  await sql.run((manager) => manager.query(...withValues(statement, parameters)));
}

function toImageVolume(row: ImageVolumeRow): ImageVolume {
  const { wish, made, failure, createdAt, finishedAt, ...columns } = row;
  return {
    ...columns,
    wish: wishColumn.read(wish),
    made: madeColumn.readNullable(made),
    failure: failureColumn.readNullable(failure),
    createdAt: fromTime(createdAt),
    finishedAt: finishedAt === null ? null : fromTime(finishedAt),
  };
}
