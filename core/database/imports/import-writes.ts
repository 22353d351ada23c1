import { In, Not } from 'typeorm';
import type { ImportRecord, ImportState, TaskRecord, TaskState } from '../../engine/import.js';
import type { ImportChange, TaskChange } from '../../engine/ports.js';
import {
  CANCELLABLE_IMPORT_STATES,
  FINAL_IMPORT_STATES,
  LIVE_IMPORT_STATES,
} from '../../engine/states.js';
import { insertRows, updateRows } from '../change-rows.js';
import { defined } from '../columns.js';
import { conditionalUpdate } from '../conditional-update.js';
import { ImportRow } from '../entities/import-row.js';
import { TaskRow } from '../entities/task-row.js';
import { toCount } from '../numbers.js';
import { findRow } from '../select-rows.js';
import type { Sql } from '../statements.js';
import { importJson } from './import-json.js';
import { toImportColumns, toImportRow } from './import-mapper.js';
import { toTaskColumns, toTaskRow } from './task-mapper.js';

export async function insertImport(
  sql: Sql,
  record: ImportRecord,
  tasks: readonly TaskRecord[],
): Promise<void> {
  await sql.run(async (manager) => {
    await insertRows(manager, ImportRow, [toImportRow(record)]);
    await insertRows(manager, TaskRow, tasks.map(toTaskRow));
  });
}

export async function updateImport(
  sql: Sql,
  id: string,
  when: { readonly state: readonly ImportState[]; readonly epoch?: number },
  change: ImportChange,
): Promise<boolean> {
  return sql.run((manager) =>
    conditionalUpdate(
      manager,
      ImportRow,
      { id, state: when.state, ...defined({ epoch: when.epoch }) },
      toImportColumns(change),
    ),
  );
}

/** A deletion stays one: a user who asks to cancel as well does not weaken it. */
export async function requestCancel(
  sql: Sql,
  id: string,
  cancel: 'user' | 'deleted',
): Promise<boolean> {
  return sql.run(async (manager) => {
    const row = await findRow(manager, ImportRow, {
      id,
      state: CANCELLABLE_IMPORT_STATES,
    });
    if (row === undefined) return false;
    if (row.cancel !== 'deleted') await updateRows(manager, ImportRow, { id }, { cancel });
    return true;
  });
}

/** Does nothing for an import that is gone. */
export async function addUserPatched(
  sql: Sql,
  id: string,
  names: readonly string[],
): Promise<void> {
  await sql.run(async (manager) => {
    const row = await findRow(manager, ImportRow, { id });
    if (row === undefined) return;
    const patched = new Set([...importJson.userPatched.read(row.userPatched), ...names]);
    const userPatched = importJson.userPatched.write([...patched]);
    await updateRows(manager, ImportRow, { id }, { userPatched });
  });
}

export async function takeOverImports(sql: Sql, epoch: number): Promise<number> {
  const { affected } = await sql.run((manager) =>
    manager.update(
      ImportRow,
      { state: In(LIVE_IMPORT_STATES), epoch: Not(epoch) },
      { epoch: toCount('imports.epoch', epoch) },
    ),
  );
  return affected ?? 0;
}

/** Ids in one statement: SQLite takes 32766 parameters at most. */
const CHUNK = 1_000;

/**
 * Leaves out imports that are not finished, and those that still own bytes: nothing else says whose
 * these are. A generation that is `releasing` needs no owner any more.
 */
export async function deleteImports(sql: Sql, ids: readonly string[]): Promise<number> {
  let deleted = 0;
  for (let start = 0; start < ids.length; start += CHUNK) {
    const chunk = ids.slice(start, start + CHUNK);
    const { affected } = await sql.run((manager) =>
      manager
        .createQueryBuilder()
        .delete()
        .from(ImportRow)
        .where({ id: In(chunk), state: In(FINAL_IMPORT_STATES) })
        .andWhere(OWNS_NOTHING)
        .execute(),
    );
    deleted += affected ?? 0;
  }
  return deleted;
}

const OWNS_NOTHING = `
  NOT EXISTS (SELECT 1 FROM "generations"
    WHERE "generations"."import_id" = "imports"."id" AND "generations"."state" <> 'releasing')
  AND NOT EXISTS (SELECT 1 FROM "reservations"
    WHERE "reservations"."import_id" = "imports"."id" AND "reservations"."purpose" = 'workspace')`;

export async function updateTask(
  sql: Sql,
  importId: string,
  position: number,
  when: { readonly state: readonly TaskState[] },
  change: TaskChange,
): Promise<boolean> {
  return sql.run((manager) =>
    conditionalUpdate(
      manager,
      TaskRow,
      { importId, position, state: when.state },
      toTaskColumns(change),
    ),
  );
}
