import { describe, expect, it } from 'vitest';
import { TransientError } from '../../base/errors.js';
import { UnifiedLimits } from './unified-limits.js';

const OUTAGE = 600_000;

/** Keystone as far as limits go, whose answers and time the test decides. */
function rig() {
  let now = 1_000_000;
  const state = { away: false, asked: 0, limit: 5 };
  const limits = new UnifiedLimits(
    {
      getOfSystem: (path) => {
        state.asked += 1;
        if (state.away) {
          return Promise.reject(new TransientError({ code: 'KEYSTONE_UNREACHABLE', message: 'x' }));
        }
        if (path.startsWith('/services')) return Promise.resolve({ services: [{ id: 's' }] });
        const entry = { resource_name: 'image_size_total', region_id: null };
        return Promise.resolve(
          path.startsWith('/registered_limits')
            ? { registered_limits: [{ ...entry, default_limit: state.limit }] }
            : { limits: [] },
        );
      },
    },
    { region: undefined, outageMs: OUTAGE },
    { now: () => new Date(now), sleep: () => Promise.resolve() },
  );
  return { state, limits, pass: (ms: number) => (now += ms) };
}

const MIB = 1024 * 1024;

describe('UnifiedLimits', () => {
  it('asks once for all who ask at the same time, and again after a minute', async () => {
    const { state, limits, pass } = rig();
    const answers = await Promise.all([1, 2, 3].map(() => limits.limitsOf('p')));
    expect(answers).toEqual(Array(3).fill({ image_size_total: 5 * MIB }));
    expect(state.asked).toBe(3);
    state.limit = 6;
    expect(await limits.limitsOf('p')).toEqual({ image_size_total: 5 * MIB });
    pass(60_000);
    expect(await limits.limitsOf('p')).toEqual({ image_size_total: 6 * MIB });
  });

  it('holds to what it knows while Keystone is away, for so long and no longer', async () => {
    const { state, limits, pass } = rig();
    await limits.limitsOf('p');
    state.away = true;
    pass(OUTAGE - 1);
    expect(await limits.limitsOf('p')).toEqual({ image_size_total: 5 * MIB });
    await expect(limits.limitsOf('unknown')).rejects.toMatchObject({
      code: 'KEYSTONE_UNREACHABLE',
    });
    pass(1);
    await expect(limits.limitsOf('p')).rejects.toMatchObject({ code: 'KEYSTONE_UNREACHABLE' });
    state.away = false;
    expect(await limits.limitsOf('p')).toEqual({ image_size_total: 5 * MIB });
  });
});
