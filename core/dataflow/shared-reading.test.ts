import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { SharedReading } from './shared-reading.js';
import type { ReadFrom } from './shared-reading.js';

const BLOCK = 64 * 1024;
const BYTES = randomBytes(40 * BLOCK);
const never = new AbortController().signal;
const TIMES = { gatherMs: 60_000, stallMs: 60_000 };

/** Reads `BYTES`, and counts what it has read; fails at a position where that is given. */
class Source {
  count = 0;
  readings = 0;

  constructor(private readonly failsAt = Number.POSITIVE_INFINITY) {}

  readonly read: ReadFrom = async (from, take) => {
    this.readings += 1;
    for (let position = from; position < BYTES.length; position += BLOCK) {
      if (position >= this.failsAt) throw new Error('the disk failed');
      this.count += BLOCK;
      if (!(await take(BYTES.subarray(position, position + BLOCK)))) return;
    }
  };
}

function sharing(takers: number, source: Source, times = TIMES) {
  return new SharedReading(takers, source.read, times).seats;
}

const isWhole = async (stream: Readable | undefined) =>
  stream !== undefined && (await buffer(stream)).equals(BYTES);

describe('a shared reading', () => {
  it('is one, whoever needs the bytes', async () => {
    const source = new Source();
    const [one, two, three, four] = sharing(4, source);
    four?.leave();
    const streams = await Promise.all([one, two, three].map(async (seat) => seat?.join(never)));
    expect(await Promise.all(streams.map(isWhole))).toEqual([true, true, true]);
    expect([source.readings, source.count]).toEqual([1, BYTES.length]);
  });

  it('is none where only one needs them, or nobody', async () => {
    const source = new Source();
    const [one, two] = sharing(2, source);
    const joining = one?.join(never);
    two?.leave();
    expect(await joining).toBeUndefined();
    for (const seat of sharing(2, source)) seat.leave();
    expect(source.readings).toBe(0);
  });

  it('begins without those who do not say what they need', async () => {
    const source = new Source();
    const [one, two, late] = sharing(3, source, { ...TIMES, gatherMs: 1 });
    const streams = await Promise.all([one?.join(never), two?.join(never)]);
    expect(await late?.join(never)).toBeUndefined();
    expect(await Promise.all(streams.map(isWhole))).toEqual([true, true]);
    expect(source.count).toBe(BYTES.length);
  });

  it('goes on for the others when one is gone, at the start or in the middle', async () => {
    const source = new Source();
    const [one, two, three] = sharing(3, source);
    const aborted = new AbortController();
    const leaving = expect(two?.join(aborted.signal)).rejects.toThrow('not any more');
    aborted.abort(new Error('not any more'));
    await leaving;
    const [stays, goes] = await Promise.all([one?.join(never), three?.join(never)]);
    goes?.once('data', () => goes.destroy());
    expect(await isWhole(stays)).toBe(true);
    expect(source.count).toBe(BYTES.length);
  });

  it('ends early when all are gone', async () => {
    const source = new Source();
    const [one, two] = sharing(2, source);
    const streams = await Promise.all([one?.join(never), two?.join(never)]);
    for (const stream of streams) stream?.destroy();
    await Promise.all(streams.map((stream) => new Promise((done) => stream?.once('close', done))));
    expect(source.count).toBeLessThan(BYTES.length);
  });

  it('reads for one that stands still alone, from where it stopped', async () => {
    const source = new Source();
    const [one, still] = sharing(2, source, { ...TIMES, stallMs: 1 });
    const [stream, stalled] = await Promise.all([one?.join(never), still?.join(never)]);
    expect(await isWhole(stream)).toBe(true);
    expect(source.readings).toBe(2);
    expect(await isWhole(stalled)).toBe(true);
    expect(source.count).toBeLessThan(2 * BYTES.length);
  });

  it('fails for everybody when the file cannot be read', async () => {
    const seats = sharing(2, new Source(10 * BLOCK));
    const streams = await Promise.all(seats.map((seat) => seat.join(never)));
    const results = await Promise.allSettled(streams.map(isWhole));
    const failed: unknown = expect.objectContaining({ message: 'the disk failed' });
    expect(results).toEqual(streams.map(() => ({ status: 'rejected', reason: failed })));
  });

  it('keeps its memory bounded while all are slow', async () => {
    const source = new Source();
    const seats = sharing(2, source);
    const streams = await Promise.all(seats.map((seat) => seat.join(never)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.count).toBeLessThan(30 * BLOCK);
    expect(await Promise.all(streams.map(isWhole))).toEqual([true, true]);
  });
});
