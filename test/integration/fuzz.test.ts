import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptCases } from '../fuzz/kept.js';
import { retained } from '../fuzz/memory.js';
import { checkInspection } from '../fuzz/oracle.js';
import { loadBytes, minimised, saveBytes } from '../fuzz/saved-bytes.js';
import { promise, type FuzzTarget } from '../fuzz/target.js';
import { asAny, TARGETS } from '../fuzz/targets.js';
import { qcow2Image, withBackingFile } from '../support/images/qcow2.js';
import { vhdxImage } from '../support/images/vhdx.js';

describe('cases that fuzzing has found', () => {
  it.each(keptCases())('%s does not fail again', (_file, { target, input }) => {
    const known = TARGETS.find(({ name }) => name === target);
    expect(known, `There is no target "${target}"`).toBeDefined();
    known?.replay(input);
  });
});

describe('fuzzing', () => {
  /** Breaks its promise for bytes that have a 7 behind the tenth. */
  const planted: FuzzTarget<readonly number[]> = {
    name: 'planted',
    weight: 1,
    cases: fc.array(fc.nat({ max: 255 }), { maxLength: 200, size: 'max' }),
    check(made) {
      promise('no 7 comes late', made.lastIndexOf(7) < 10, () => made.join());
      return ['case'];
    },
    save: (made) => ({ bytes: saveBytes(Uint8Array.from(made)) }),
    replay(saved) {
      planted.check([...loadBytes(saved['bytes'] as never)]);
    },
    shrink: (saved, fails) => ({
      bytes: saveBytes(
        minimised(loadBytes(saved['bytes'] as never), (bytes) =>
          fails({ bytes: saveBytes(bytes) }),
        ),
      ),
    }),
  };

  it('finds a planted fault, and makes its case as small as it can be', () => {
    const { cases, failure } = asAny(planted).run(1, 1000);
    expect(cases).toBeLessThan(1000);
    expect(failure?.promise).toBe('no 7 comes late');
    const bytes = loadBytes(failure?.saved['bytes'] as never);
    expect([...bytes]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
  });

  it('makes the same cases of the same seed', () => {
    for (const target of TARGETS) expect(target.dump(5, 3)).toEqual(target.dump(5, 3));
  });

  it('judges an unsafe image and measures the memory that is kept', () => {
    const bytes = qcow2Image({ patch: withBackingFile('/etc/passwd') });
    expect(checkInspection(bytes, [7, 4096]).seen).toContain('rule backing-file');
    // The shared windows alone are 168 KiB: a measurement below measures nothing.
    const kept = retained(vhdxImage(), 3_000_000);
    expect(kept).toBeGreaterThan(150 * 1024);
    expect(kept).toBeLessThan(1024 * 1024);
  });
});
