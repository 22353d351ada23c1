import type { Reservation } from './generation.js';

/** What is reserved, seen by one who asks for more. */
export interface Holdings {
  /** Bytes of everybody. */
  readonly reserved: number;
  /** Bytes of data, there or coming. */
  readonly data: number;
  /** Bytes of data that stay until they are imported, dropped or expired; without one's own. */
  readonly staged: number;
  /** Bytes of data that are still coming, and stay then as those do; without one's own. */
  readonly coming: number;
  /** The largest need of staged data whose import is not admitted yet. */
  readonly need: number;
  /** Bytes of the data of the import that asks. */
  readonly own: number;
}

/** Sums reservations up for the import that asks, if it is one. Pure. */
export function holdings(
  reservations: readonly Reservation[],
  importId: string | null = null,
): Holdings {
  const data = reservations.filter(({ purpose }) => purpose === 'data');
  const granted = new Set(
    reservations.filter(({ purpose }) => purpose === 'workspace').map((held) => held.importId),
  );
  const isOwn = (held: Reservation): boolean => importId !== null && held.importId === importId;
  const staged = data.filter((held) => held.need !== null && !isOwn(held));
  const imported = new Set(staged.map(({ importId }) => importId));
  // What comes beside staged data of the same import, a task of it makes.
  const coming = data.filter(
    (held) =>
      held.need === null &&
      !isOwn(held) &&
      (held.importId === null || !imported.has(held.importId)),
  );
  const waiting = staged.filter((held) => held.importId === null || !granted.has(held.importId));
  return {
    reserved: sum(reservations),
    data: sum(data),
    staged: sum(staged),
    coming: sum(coming),
    need: Math.max(0, ...waiting.map(({ need }) => need ?? 0)),
    own: sum(data.filter(isOwn)),
  };
}

function sum(reservations: readonly Reservation[]): number {
  return reservations.reduce((total, { bytes }) => total + bytes, 0);
}
