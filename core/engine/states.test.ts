import { describe, expect, it } from 'vitest';
import { IMPORT_STATES, TASK_STATES } from './import.js';
import {
  FINAL_IMPORT_STATES,
  IMPORT_TRANSITIONS,
  LIVE_IMPORT_STATES,
  TASK_TRANSITIONS,
} from './states.js';

describe('the transition tables', () => {
  it('lead from the first import state to every other', () => {
    expect(reachable('pending', IMPORT_TRANSITIONS)).toEqual(new Set(IMPORT_STATES));
  });

  it('lead from the first task state to every other', () => {
    expect(reachable('pending', TASK_TRANSITIONS)).toEqual(new Set(TASK_STATES));
  });

  it('lead from every live import state to a final one', () => {
    for (const state of LIVE_IMPORT_STATES) {
      const ends = [...reachable(state, IMPORT_TRANSITIONS)];
      expect(ends.some((end) => FINAL_IMPORT_STATES.includes(end))).toBe(true);
    }
  });

  it('count every import state as either live or final', () => {
    expect([...LIVE_IMPORT_STATES, ...FINAL_IMPORT_STATES].toSorted()).toEqual(
      [...IMPORT_STATES].toSorted(),
    );
  });
});

function reachable<S extends string>(
  from: S,
  table: readonly (readonly [S, S, string])[],
): ReadonlySet<S> {
  const found = new Set<S>([from]);
  for (const state of found) {
    for (const [source, target] of table) if (source === state) found.add(target);
  }
  return found;
}
