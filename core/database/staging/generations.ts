import { In, IsNull, LessThan, Not } from 'typeorm';
import type { FindOptionsWhere } from 'typeorm';
import type { GenerationChange, GenerationQuery } from '../../engine/ports.js';
import type { Generation, GenerationState } from '../../staging/generation.js';
import { conditionalUpdate } from '../conditional-update.js';
import { GenerationRow } from '../entities/generation-row.js';
import { ReservationRow } from '../entities/reservation-row.js';
import { toTime } from '../numbers.js';
import type { Sql } from '../statements.js';
import { toGeneration, toGenerationColumns, toGenerationRow } from './generation-mapper.js';

export async function readGeneration(sql: Sql, id: string): Promise<Generation | undefined> {
  const row = await sql.run((manager) => manager.findOneBy(GenerationRow, { id }));
  return row === null ? undefined : toGeneration(row);
}

/** By number, those of one number by age. */
export async function listGenerations(
  sql: Sql,
  query: GenerationQuery,
): Promise<readonly Generation[]> {
  const where: FindOptionsWhere<GenerationRow> = {
    ...(query.imageId === undefined ? {} : { imageId: query.imageId }),
    ...(query.importId === undefined ? {} : { importId: query.importId ?? IsNull() }),
    ...(query.states === undefined ? {} : { state: In(query.states) }),
    ...(query.readyBefore === undefined ? {} : { readyAt: LessThan(toTime(query.readyBefore)) }),
    ...(query.resumable === undefined ? {} : { uploadLength: Not(IsNull()) }),
  };
  const rows = await sql.run((manager) =>
    manager.find(GenerationRow, {
      where,
      order: { number: 'ASC', createdAt: 'ASC', id: 'ASC' },
    }),
  );
  return rows.map(toGeneration);
}

export async function insertGeneration(sql: Sql, generation: Generation): Promise<void> {
  await sql.run((manager) => manager.insert(GenerationRow, toGenerationRow(generation)));
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
      { id, state: In(when.state) },
      toGenerationColumns(change),
    ),
  );
}

/** Observations and reservations go by their foreign keys. */
export async function deleteGeneration(sql: Sql, id: string): Promise<void> {
  await sql.run((manager) => manager.delete(GenerationRow, { id }));
}

/** Claims only what no other import holds, and nothing that is `releasing`. */
export async function assignGeneration(
  sql: Sql,
  id: string,
  importId: string | null,
): Promise<boolean> {
  return sql.run(async (manager) => {
    const live = { id, state: Not<GenerationState>('releasing') };
    const claimable = [
      { ...live, importId: IsNull() },
      { ...live, importId: importId ?? Not(IsNull()) },
    ];
    const found = await manager.existsBy(GenerationRow, claimable);
    if (!found) return false;
    await manager.update(GenerationRow, { id }, { importId });
    await manager.update(ReservationRow, { generationId: id, purpose: 'data' }, { importId });
    return true;
  });
}
