import type { GenerationChange, GenerationQuery } from '../../engine/ports.js';
import type { Generation, GenerationState } from '../../staging/generation.js';
import { deleteRows, insertRows, updateRows } from '../change-rows.js';
import { conditionalUpdate } from '../conditional-update.js';
import { GenerationRow } from '../entities/generation-row.js';
import { ReservationRow } from '../entities/reservation-row.js';
import { toTime } from '../numbers.js';
import { Parameters } from '../parameters.js';
import { findRow, selectRows } from '../select-rows.js';
import type { Sql } from '../statements.js';
import { toGeneration, toGenerationColumns, toGenerationRow } from './generation-mapper.js';

export async function readGeneration(sql: Sql, id: string): Promise<Generation | undefined> {
  const row = await sql.run((manager) => findRow(manager, GenerationRow, { id }));
  return row && toGeneration(row);
}

/** By number, those of one number by age. */
export async function listGenerations(
  sql: Sql,
  query: GenerationQuery,
): Promise<readonly Generation[]> {
  const { imageId, importId, states, readyBefore, resumable } = query;
  const parameters = new Parameters();
  const conditions = ['TRUE'];
  if (imageId !== undefined) conditions.push(`"image_id" = ${parameters.add(imageId)}`);
  if (importId !== undefined) conditions.push(`"import_id" IS ${parameters.add(importId)}`);
  if (states !== undefined) conditions.push(`"state" IN ${parameters.addList(states)}`);
  if (readyBefore !== undefined) {
    conditions.push(`"ready_at" < ${parameters.add(toTime(readyBefore))}`);
  }
  if (resumable !== undefined) conditions.push('"upload_length" IS NOT NULL');
  const rest = `WHERE ${conditions.join(' AND ')} ORDER BY "number", "created_at", "id"`;
  const rows = await sql.run((manager) => selectRows(manager, GenerationRow, rest, parameters));
  return rows.map(toGeneration);
}

export async function insertGeneration(sql: Sql, generation: Generation): Promise<void> {
  await sql.run((manager) => insertRows(manager, GenerationRow, [toGenerationRow(generation)]));
}

export async function updateGeneration(
  sql: Sql,
  id: string,
  when: { readonly state: readonly GenerationState[] },
  change: GenerationChange,
): Promise<boolean> {
  return sql.run((manager) =>
    conditionalUpdate(
      manager,
      GenerationRow,
      { id, state: when.state },
      toGenerationColumns(change),
    ),
  );
}

/** Observations and reservations go by their foreign keys. */
export async function deleteGeneration(sql: Sql, id: string): Promise<void> {
  await sql.run((manager) => deleteRows(manager, GenerationRow, { id }));
}

/** Claims only what no other import holds, and nothing that is `releasing`. */
export async function assignGeneration(
  sql: Sql,
  id: string,
  importId: string | null,
): Promise<boolean> {
  return sql.run(async (manager) => {
    const row = await findRow(manager, GenerationRow, { id });
    if (row === undefined || row.state === 'releasing') return false;
    const isTaken = row.importId !== null && row.importId !== importId;
    if (isTaken && importId !== null) return false;
    await updateRows(manager, GenerationRow, { id }, { importId });
    await updateRows(manager, ReservationRow, { generationId: id, purpose: 'data' }, { importId });
    return true;
  });
}
