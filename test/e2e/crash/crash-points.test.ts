import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CRASH_POINTS } from '../../../core/base/crash-point.js';
import { openWorkshop } from './material.js';
import type { Workshop } from './material.js';
import { crashRound } from './round.js';

/**
 * Sweeping is something to do only where an earlier crash has left a file without a row, and no task
 * that is built in has effects outside; `twice.test.ts` has one that does.
 */
const POINTS = CRASH_POINTS.filter((point) => !/^(?:sweep|revert):/.test(point));

/**
 * Which time the point is passed: a later one in the middle of everything, with `npm run test:crash` the first
 * as well. Each scenario passes some points once, so these are passed less often in all.
 */
const LATER: Readonly<Record<string, number>> = { adopt: 2, end: 2, delete: 1, remove: 1 };

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(async () => {
  await workshop[Symbol.asyncDispose]();
});

function occurrences(point: string): readonly string[] {
  const later = LATER[point.split(':')[0] ?? ''] ?? 3;
  const all = process.env['STOWAGE_CRASH_ROUNDS'] === undefined ? [later] : [1, later];
  return [...new Set(all)].map((n) => `${point}#${n}`);
}

describe('the invariants hold after SIGKILL', () => {
  it.each(POINTS.flatMap(occurrences))('at %s', async (at) => {
    const { template, material } = workshop;
    const dataDir = path.join(workshop.path, at.replaceAll(/[:#]/g, '-'));
    const { faults, crashed } = await crashRound(template, dataDir, material, {
      kind: 'point',
      at,
    });
    expect(faults).toEqual([]);
    expect(crashed, 'the point was reached').toBe(true);
    await rm(dataDir, { recursive: true });
  });
});
