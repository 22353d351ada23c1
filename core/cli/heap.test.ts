import { getHeapStatistics } from 'node:v8';
import { it, vi } from 'vitest';
import { collectAtRest } from './heap.js';

const MIB = 1024 * 1024;

it('collects what work has left on the heap, once the process rests', async () => {
  const { total_heap_size: before } = getHeapStatistics();
  collectAtRest(50);
  const kept: number[][] = [];
  while (getHeapStatistics().total_heap_size < before + 64 * MIB) {
    kept.push(Array.from({ length: 10_000 }, (_, index) => index + 0.5));
  }
  const { used_heap_size: full } = getHeapStatistics();
  kept.length = 0;
  await vi.waitUntil(() => getHeapStatistics().used_heap_size < full - 32 * MIB, {
    timeout: 10_000,
  });
});
