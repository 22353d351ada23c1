import { describe, expect, it } from 'vitest';
import { Ledger, assertGranted } from './ledger.js';

const ledger = new Ledger(1000, 0.2);

describe('Ledger', () => {
  it.each([
    [800, 0, 0, 'granted'],
    [801, 0, 0, 'never'],
    [300, 501, 0, 'full'],
    [300, 500, 0, 'granted'],
    [300, 500, 200, 'granted'],
    [300, 500, 201, 'full'],
    [700, 0, 900, 'full'],
  ])(
    'judges %i incoming bytes when %i are taken and %i are to be kept: %s',
    (bytes, reserved, need, kind) => {
      expect(ledger.judgeData(bytes, reserved, need).kind).toBe(kind);
    },
  );

  it.each([
    [400, 600, 'granted'],
    [400, 601, 'full'],
    [1001, 0, 'granted'],
  ])('judges %i staged bytes with a need of %i: %s', (staged, need, kind) => {
    expect(ledger.judgeStaged(staged, need).kind).toBe(kind);
  });

  it.each([
    [200, 100, 700, 0, 'granted'],
    [201, 100, 700, 0, 'full'],
    [200, 100, 600, 100, 'granted'],
    [200, 100, 600, 101, 'full'],
    [901, 100, 0, 0, 'never'],
    [900, 100, 0, 0, 'granted'],
    [901, 100, 800, 0, 'never'],
  ])(
    'judges an import that needs %i, holds %i, with %i of others and %i ahead: %s',
    (need, own, others, ahead, kind) => {
      expect(ledger.judgeImport(need, { own, others, ahead }).kind).toBe(kind);
    },
  );

  it('names the numbers', () => {
    expect(() => {
      assertGranted(ledger.judgeData(300, 600, 0));
    }).toThrow('Needs 300 B of staging, 600 B of 800 B for incoming data are taken');
    expect(ledger.judgeImport(300, { own: 100, others: 500, ahead: 200 })).toMatchObject({
      reason:
        'Needs 300 B of staging, 600 B of 1000 B in all are taken, 200 B are kept for an import before it',
    });
  });
});
