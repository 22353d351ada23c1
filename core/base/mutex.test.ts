import { describe, expect, it } from 'vitest';
import { Mutex } from './mutex.js';

describe('Mutex', () => {
  it('runs one piece of work at a time, first come first served', async () => {
    const mutex = new Mutex();
    const log: string[] = [];
    await Promise.all(
      ['a', 'b', 'c'].map((name, index) =>
        mutex.run(async () => {
          log.push(`${name} begins`);
          for (let turn = 3 - index; turn > 0; turn -= 1) await Promise.resolve();
          log.push(`${name} ends`);
        }),
      ),
    );
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('answers what the work answers', async () => {
    await expect(new Mutex().run(() => Promise.resolve(7))).resolves.toBe(7);
  });

  it('rejects as the work does and goes on with the next', async () => {
    const mutex = new Mutex();
    const failed = mutex.run(() => Promise.reject(new Error('no')));
    const next = mutex.run(() => Promise.resolve('yes'));
    await expect(failed).rejects.toThrow('no');
    await expect(next).resolves.toBe('yes');
  });

  it('survives work that throws before it returns a promise', async () => {
    const mutex = new Mutex();
    const failed = mutex.run(() => {
      throw new Error('at once');
    });
    await expect(failed).rejects.toThrow('at once');
    await expect(mutex.run(() => Promise.resolve('yes'))).resolves.toBe('yes');
  });
});
