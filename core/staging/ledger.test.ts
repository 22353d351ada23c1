import { describe, expect, it } from 'vitest';
import { Ledger, assertGranted } from './ledger.js';

const ledger = new Ledger(1000, 0.2);

describe('Ledger', () => {
  it.each([
    [800, 0, 'granted'],
    [801, 0, 'never'],
    [300, 501, 'full'],
    [300, 500, 'granted'],
  ])('judges %i incoming bytes when %i are taken: %s', (bytes, reserved, kind) => {
    expect(ledger.judgeData(bytes, reserved).kind).toBe(kind);
  });

  it.each([
    [200, 800, 100, true, 'granted'],
    [200, 800, 100, false, 'full'],
    [201, 800, 100, true, 'full'],
    [901, 100, 100, true, 'never'],
    [900, 100, 100, true, 'granted'],
    [850, 100, 100, false, 'full'],
  ])(
    'judges a workspace of %i when %i are taken, %i by itself, first in the queue %s: %s',
    (bytes, reserved, own, first, kind) => {
      expect(ledger.judgeWorkspace(bytes, reserved, own, first).kind).toBe(kind);
    },
  );

  it('names the numbers', () => {
    expect(() => {
      assertGranted(ledger.judgeData(300, 600));
    }).toThrow('Needs 300 B of staging, 600 B of 800 B for incoming data are taken');
  });
});
