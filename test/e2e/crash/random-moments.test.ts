import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkshop } from './material.js';
import type { Workshop } from './material.js';
import { crashRound } from './round.js';

/** `npm run test:crash` asks for many more. */
const ROUNDS = Number(process.env['STOWAGE_CRASH_ROUNDS'] ?? 6);
const SEED = Number(process.env['STOWAGE_CRASH_SEED'] ?? Date.now() % 1_000_000);
/** Milliseconds in which all scenarios are usually over. */
const SPAN = 1_500;

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(async () => {
  await workshop[Symbol.asyncDispose]();
});

describe('the invariants hold after SIGKILL at random moments', () => {
  const moments = Array.from({ length: ROUNDS }, (_, round) => Math.floor(chance(round) * SPAN));

  it.each(moments.map((afterMs, round) => ({ round, afterMs })))(
    `seed ${SEED}, round $round: after $afterMs ms`,
    async ({ round, afterMs }) => {
      const { template, material } = workshop;
      const dataDir = path.join(workshop.path, `round-${round}`);
      const crash = { kind: 'moment', afterMs } as const;
      const { faults } = await crashRound(template, dataDir, material, crash);
      expect(faults).toEqual([]);
      await rm(dataDir, { recursive: true });
    },
  );
});

/** A number in [0, 1) that the seed and the round decide (mulberry32). */
function chance(round: number): number {
  let state = (SEED + round * 0x6d2b79f5) | 0;
  state = Math.imul(state ^ (state >>> 15), 1 | state);
  state = (state + Math.imul(state ^ (state >>> 7), 61 | state)) ^ state;
  return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
}
