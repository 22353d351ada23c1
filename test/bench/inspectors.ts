import { randomFillSync } from 'node:crypto';
import { createInspector } from '../../core/format/inspector.js';

// Prints how fast all inspectors together take random bytes: npx tsx test/bench/inspectors.ts
const KIB = 1024;
const GIB = 1024 ** 3;
const TOTAL = 8 * GIB;

// Larger than the caches, so that the figure holds for bytes that come from elsewhere.
const data = randomFillSync(new Uint8Array(256 * KIB * KIB));

for (const chunkLength of [64 * KIB, 256 * KIB, 1024 * KIB]) {
  const inspector = createInspector();
  const start = process.hrtime.bigint();
  for (let position = 0; position < TOTAL; position += chunkLength) {
    const from = position % data.length;
    inspector.update(data.subarray(from, from + chunkLength));
  }
  inspector.finish();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const rate = TOTAL / GIB / seconds;
  console.log(`chunks of ${chunkLength / KIB} KiB: ${rate.toFixed(1)} GiB/s`);
}
