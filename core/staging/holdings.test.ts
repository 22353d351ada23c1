import { describe, expect, it } from 'vitest';
import { aReservation } from '../../test/support/records.js';
import { holdings } from './holdings.js';

const RESERVATIONS = [
  // Sent, and not imported yet.
  aReservation('a', { bytes: 10, need: 30 }),
  // Sent; its import is admitted, and has made something of its workspace.
  aReservation('b', { importId: 'i', bytes: 20, need: 500 }),
  aReservation('b', { importId: 'i', bytes: 4, need: null }),
  aReservation('b', { importId: 'i', bytes: 100, purpose: 'workspace' }),
  // Sent; its import waits.
  aReservation('c', { importId: 'w', bytes: 40, need: 70 }),
  // Still coming.
  aReservation('d', { bytes: 80, need: null }),
];

describe('holdings', () => {
  it('are those of everybody, and the largest need that nobody has been granted', () => {
    expect(holdings(RESERVATIONS)).toEqual({
      reserved: 254,
      data: 154,
      staged: 70,
      coming: 80,
      need: 70,
      own: 0,
    });
  });

  it('seen by an import leave its own data and need out', () => {
    expect(holdings(RESERVATIONS, 'w')).toEqual({
      reserved: 254,
      data: 154,
      staged: 30,
      coming: 80,
      need: 30,
      own: 40,
    });
    expect(holdings(RESERVATIONS, 'i')).toEqual({
      reserved: 254,
      data: 154,
      staged: 50,
      coming: 80,
      need: 70,
      own: 24,
    });
  });
});
