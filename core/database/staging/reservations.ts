import { ConflictError } from '../../base/errors.js';
import type { Reservation } from '../../staging/generation.js';
import { deleteRows, insertRows } from '../change-rows.js';
import { conditionalUpdate } from '../conditional-update.js';
import { defined, ifDefined } from '../columns.js';
import { ReservationRow } from '../entities/reservation-row.js';
import { fromCount, fromNullableCount, toCount, toNullableCount } from '../numbers.js';
import { findRows } from '../select-rows.js';
import type { Sql } from '../statements.js';

const BYTES = 'reservations.bytes';
const NEED = 'reservations.need';

export async function listReservations(sql: Sql): Promise<readonly Reservation[]> {
  const rows = await sql.run((manager) => findRows(manager, ReservationRow, {}, '"id"'));
  return rows.map(({ id, purpose, imageId, importId, generationId, bytes, need }) => ({
    id,
    purpose,
    imageId,
    importId,
    generationId,
    bytes: fromCount(BYTES, bytes),
    need: fromNullableCount(NEED, need),
  }));
}

export async function sumReservedBytes(sql: Sql): Promise<number> {
  const sum = await sql.run((manager) => manager.sum(ReservationRow, 'bytes'));
  return fromCount(BYTES, sum ?? 0);
}

export async function insertReservation(sql: Sql, reservation: Reservation): Promise<void> {
  const row = {
    ...reservation,
    bytes: toCount(BYTES, reservation.bytes),
    need: toNullableCount(NEED, reservation.need),
  };
  await sql.run((manager) => insertRows(manager, ReservationRow, [row]));
}

/**
 * @throws {ConflictError} `RESERVATION_GONE`: bytes that are not in the ledger must not reach the
 *   disk
 */
export async function updateReservation(
  sql: Sql,
  id: string,
  { bytes, need }: Partial<Pick<Reservation, 'bytes' | 'need'>>,
): Promise<void> {
  const change = defined({
    bytes: ifDefined(bytes, (count) => toCount(BYTES, count)),
    need: ifDefined(need, (count) => toNullableCount(NEED, count)),
  });
  const changed = await sql.run((manager) =>
    conditionalUpdate(manager, ReservationRow, { id }, change),
  );
  if (changed) return;
  throw new ConflictError({
    code: 'RESERVATION_GONE',
    message: `The staging bytes reserved as "${id}" were given back meanwhile`,
    hint: 'Look at the image again: it was deleted, or its bytes were',
  });
}

export async function deleteReservation(sql: Sql, id: string): Promise<void> {
  await sql.run((manager) => deleteRows(manager, ReservationRow, { id }));
}

export async function deleteReservations(
  sql: Sql,
  { importId, purpose }: Pick<Reservation, 'purpose'> & { readonly importId: string },
): Promise<void> {
  await sql.run((manager) => deleteRows(manager, ReservationRow, { importId, purpose }));
}
