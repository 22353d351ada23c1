import { TARGETS, type AnyTarget } from './targets.js';
import type { Answer, Order } from './orders.js';

// A process of its own: a case that hangs is killed with it, and its memory is its own.

process.on('message', (order: Order) => {
  const target = TARGETS.find(({ name }) => name === order.target);
  if (target === undefined) throw new Error(`There is no target "${order.target}"`);
  void follow(order, target);
});

async function follow(order: Order, target: AnyTarget): Promise<void> {
  switch (order.do) {
    case 'run': {
      const before = process.cpuUsage();
      const { cases, seen, failure } = target.run(order.seed, order.cases);
      const { user, system } = process.cpuUsage(before);
      const cpuMs = (user + system) / 1000;
      await answer({ cases, cpuMs, seen: [...seen], ...(failure ? { failure } : {}) });
      return;
    }
    case 'locate':
      // Said before each case, so that the last word is of the one that hangs.
      for (let index = 0; index < order.cases; index += 1) {
        await answer({ trying: index });
        target.replay(target.dump(order.seed, index));
      }
      return;
    case 'dump':
      await answer({ saved: target.dump(order.seed, order.index) });
  }
}

function answer(words: Answer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(words, (error: Error | null) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
