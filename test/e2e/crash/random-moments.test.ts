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

/** Where one conversion nearly fills staging, some uploads are refused, and downloads wait for room. */
const STAGINGS = [
  { room: 'all', capacity: 'auto' },
  { room: 'few', capacity: '64 MiB' },
];

describe.each(STAGINGS)('the invariants hold with room for $room, after SIGKILL', (staging) => {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await openWorkshop(staging.capacity);
  });
  afterAll(async () => {
    await workshop[Symbol.asyncDispose]();
  });

  const own = STAGINGS.indexOf(staging);
  const rounds = Array.from({ length: ROUNDS }, (_, round) => round).filter(
    (round) => round % STAGINGS.length === own,
  );
  const moments = rounds.map((round) => ({ round, afterMs: Math.floor(chance(round) * SPAN) }));

  it.each(moments)(`seed ${SEED}, round $round: after $afterMs ms`, async ({ round, afterMs }) => {
    const { template, material } = workshop;
    const dataDir = path.join(workshop.path, `round-${round}`);
    const crash = { kind: 'moment', afterMs } as const;
    const { faults } = await crashRound(template, dataDir, material, crash);
    expect(faults).toEqual([]);
    await rm(dataDir, { recursive: true });
  });
});

/** A number in [0, 1) that the seed and the round decide (mulberry32). */
function chance(round: number): number {
  let state = (SEED + round * 0x6d2b79f5) | 0;
  state = Math.imul(state ^ (state >>> 15), 1 | state);
  state = (state + Math.imul(state ^ (state >>> 7), 61 | state)) ^ state;
  return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
}
