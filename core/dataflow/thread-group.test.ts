import { afterEach, expect, it, vi } from 'vitest';
import { BLOCK_SIZE } from './block-pool.js';
import { ThreadGroup } from './thread-group.js';

const groups: ThreadGroup[] = [];
afterEach(() => Promise.all(groups.splice(0).map((group) => group.stop())));

function group(limit: number, idleMs: number): ThreadGroup {
  const made = new ThreadGroup(limit, new SharedArrayBuffer(BLOCK_SIZE), idleMs);
  groups.push(made);
  return made;
}

it('ends a thread that nobody needs any more, and starts another when one is needed', async () => {
  const threads = group(2, 1);
  const first = threads.place();
  await first.thread.request('syncPath', { path: import.meta.dirname });
  first.release();
  await vi.waitUntil(() => threads.size === 0);

  const second = threads.place();
  expect(second.thread).not.toBe(first.thread);
  await second.thread.request('syncPath', { path: import.meta.dirname });
  second.release();
});

it('keeps a thread whose jobs are longer than that', async () => {
  const threads = group(1, 1);
  const long = threads.place();
  const short = threads.place();
  short.release();
  for (let round = 0; round < 20; round += 1) {
    await long.thread.request('syncPath', { path: import.meta.dirname });
  }
  expect([threads.size, short.thread]).toEqual([1, long.thread]);
  long.release();
});
