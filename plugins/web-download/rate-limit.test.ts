import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../core/base/clock.js';
import { RateLimit, paced } from './rate-limit.js';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function body(bytes: number): Readable {
  return Readable.from([Buffer.alloc(bytes, 'x')], { objectMode: false });
}

describe('a rate limit', () => {
  it('lets a stream pass no faster than it says, in small pieces', async () => {
    const pieces: number[] = [];
    const stream = paced(body(MIB), [new RateLimit(2 * MIB, systemClock)], signal);
    const taken = await seconds(async () => {
      for await (const piece of stream) pieces.push((piece as Buffer).length);
    });
    expect(taken).toBeGreaterThan(0.24);
    expect(pieces.reduce((sum, length) => sum + length, 0)).toBe(MIB);
    expect(Math.max(...pieces)).toBeLessThanOrEqual(64 * 1024);
  });

  it('holds for all who share it together, beside their own', async () => {
    const shared = new RateLimit(2 * MIB, systemClock);
    const own = (): RateLimit => new RateLimit(100 * MIB, systemClock);
    const taken = await seconds(() =>
      Promise.all([1, 2, 3].map(() => buffer(paced(body(MIB / 2), [own(), shared], signal)))),
    );
    expect(taken).toBeGreaterThan(0.49);
  });

  it('does not let pass later what nobody has asked for', async () => {
    const limit = new RateLimit(MIB, systemClock);
    await limit.take(1024, signal);
    await systemClock.sleep(600);
    // A quarter of a second may be caught up, not more.
    expect(await seconds(() => limit.take(MIB / 2, signal))).toBeGreaterThan(0.2);
  });

  it('waits without keeping the process busy', async () => {
    const before = process.cpuUsage();
    const stream = paced(body(64 * 1024), [new RateLimit(128 * 1024, systemClock)], signal);
    await buffer(stream);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(0.2);
  });

  it('ends with the signal, and closes the body', async () => {
    const controller = new AbortController();
    const source = body(MIB);
    const stream = paced(source, [new RateLimit(16 * 1024, systemClock)], controller.signal);
    const outcome = buffer(stream);
    controller.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
    expect(source.destroyed).toBe(true);
  });
});
