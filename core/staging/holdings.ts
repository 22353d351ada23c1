import type { Reservation } from './generation.js';

/** What is reserved, seen by one who asks for more. */
export interface Holdings {
  /** Bytes of everybody. */
  readonly reserved: number;
  /** Bytes of data, there or coming. */
  readonly data: number;
  /** Bytes of data that stay until they are imported, dropped or expired; without one's own. */
  readonly staged: number;
  /** The largest need of such data whose import is not admitted yet. */
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
  const waiting = staged.filter((held) => held.importId === null || !granted.has(held.importId));
  return {
    reserved: sum(reservations),
    data: sum(data),
    staged: sum(staged),
    need: Math.max(0, ...waiting.map(({ need }) => need ?? 0)),
    own: sum(data.filter(isOwn)),
  };
}

function sum(reservations: readonly Reservation[]): number {
  return reservations.reduce((total, { bytes }) => total + bytes, 0);
}
