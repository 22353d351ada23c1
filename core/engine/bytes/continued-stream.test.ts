import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { PermanentError, TransientError } from '../../base/errors.js';
import { openContinued } from './continued-stream.js';

const MIB = 1024 * 1024;
const content = randomBytes(5 * MIB);

/** A source that gives `length` bytes at each opening and then what `end` says. */
function source(length: number, end: (body: Readable) => void) {
  const opened: number[] = [];
  const bodies: Readable[] = [];
  const open = (offset: number): Promise<Readable> => {
    opened.push(offset);
    const last = Math.min(content.length, offset + length);
    let position = offset;
    const body = new Readable({
      read() {
        if (position === content.length) this.push(null);
        else if (position === last) end(this);
        else {
          const next = Math.min(last, position + 100_000);
          this.push(content.subarray(position, next));
          position = next;
        }
      },
    });
    bodies.push(body);
    return Promise.resolve(body);
  };
  return { open, opened, bodies };
}

function options(size: number | undefined = content.length) {
  const continued: number[] = [];
  return { continued, size, onContinue: (position: number) => continued.push(position) };
}

describe('a continued stream', () => {
  it.each([
    ['breaks', (body: Readable) => body.destroy(new Error('ECONNRESET'))],
    ['is closed', (body: Readable) => body.destroy()],
    ['ends early', (body: Readable) => body.push(null)],
  ])('goes on where a source %s after some progress', async (_, end) => {
    const { open, opened, bodies } = source(1.5 * MIB, end);
    const watched = options();
    const bytes = await buffer(await openContinued(open, 1000, watched));
    expect(bytes.equals(content.subarray(1000))).toBe(true);
    // A body that is destroyed takes along what it held, which is asked for again.
    expect(opened).toEqual([1000, ...watched.continued]);
    expect(watched.continued.length).toBeGreaterThanOrEqual(3);
    expect(bodies.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('leaves a source without progress to others', async () => {
    const { open, opened } = source(0.5 * MIB, (body) => body.destroy(new Error('cut')));
    const stream = await openContinued(open, 0, options());
    await expect(buffer(stream)).rejects.toThrow('cut');
    expect(opened).toEqual([0]);
  });

  it('passes on what cannot pass, and what the next opening fails with', async () => {
    const forbidden = new PermanentError({ code: 'SOURCE_REFUSED', message: 'no' });
    const broken = source(2 * MIB, (body) => body.destroy(forbidden));
    await expect(buffer(await openContinued(broken.open, 0, options()))).rejects.toBe(forbidden);
    expect(broken.opened).toEqual([0]);
    const once = source(2 * MIB, (body) => body.destroy(new Error('cut')));
    const open = (offset: number): Promise<Readable> =>
      offset === 0 ? once.open(offset) : Promise.reject(forbidden);
    await expect(buffer(await openContinued(open, 0, options()))).rejects.toBe(forbidden);
  });

  it('is opened again a few times while its source is away', async () => {
    const away = new TransientError({ code: 'SOURCE_UNREACHABLE', message: 'no answer' });
    for (const [absences, waitsMs] of [
      [2, [0, 1, 1]],
      [3, [0, 1, 1]],
    ] as const) {
      const { open, opened } = source(4 * MIB, (body) => body.destroy(new Error('cut')));
      let left: number = absences;
      const flaky = (offset: number): Promise<Readable> => {
        if (offset === 0 || left === 0) return open(offset);
        left -= 1;
        return Promise.reject(away);
      };
      const outcome = buffer(await openContinued(flaky, 0, { ...options(), waitsMs }));
      if (absences < waitsMs.length) expect((await outcome).equals(content)).toBe(true);
      else await expect(outcome).rejects.toBe(away);
      expect(opened).toHaveLength(absences < waitsMs.length ? 2 : 1);
    }
  });

  it('closes its source when it is destroyed, also one that is being opened', async () => {
    const first = source(5 * MIB, () => undefined);
    (await openContinued(first.open, 0, options())).destroy();
    expect(first.bodies[0]?.destroyed).toBe(true);

    const cut = source(2 * MIB, (body) => body.destroy(new Error('cut')));
    const body = new Readable({ read: () => undefined });
    const open = (offset: number): Promise<Readable> => {
      if (offset === 0) return cut.open(offset);
      stream.destroy();
      return Promise.resolve(body);
    };
    const stream = await openContinued(open, 0, options());
    stream.resume();
    await new Promise((resolve) => body.once('close', resolve));
  });
});
