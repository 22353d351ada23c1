import { expect, it } from 'vitest';
import { FaultSite } from '../../support/faults/site.js';
import { Shim } from '../../support/faults/shim.js';
import { tempDir } from '../../support/temp-dir.js';

const YEAR = 365 * 24 * 3600;

it.each([
  ['forth', YEAR],
  ['back', -YEAR],
])(
  'a clock that jumps a year %s, and home again, loses nothing and stops nothing',
  async (_, jump) => {
    await using directory = await tempDir();
    const shim = await Shim.compile(directory.path);
    await using site = await FaultSite.open({ env: shim.environment });
    const before = await site.staged();
    const active = await site.staged();
    expect((await site.imported(active)).state).toBe('succeeded');

    await shim.moveClock(jump);
    const during = await site.staged();
    const image = await site.api.image(during);
    const shown = Date.parse(String(image['created_at']));
    expect(Math.abs(shown - (Date.now() + jump * 1000))).toBeLessThan(3600_000);
    expect((await site.imported(during, { all_stores: true })).state).toBe('succeeded');

    // A failure whose next attempt lies on the other side of a jump.
    await shim.disarm();
    await site.restart();
    expect((await site.imported(before)).state).toBe('succeeded');
    for (const id of [before, active, during]) await site.expectActive(id);
    const again = await site.staged();
    expect((await site.imported(again)).state).toBe('succeeded');
    await site.close();
  },
);
