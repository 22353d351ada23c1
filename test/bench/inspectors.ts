import { randomFillSync } from 'node:crypto';
import { createInspector } from '../../core/format/inspector.js';

// Prints how fast all inspectors together take random bytes on one core, beside what copying the
// same bytes takes: npm run bench:inspectors. Random bytes are of no format, as most of a disk is.
const KIB = 1024;
const MIB = KIB * KIB;
const GIB = 1024 * MIB;
const ROUND = GIB;
const ROUNDS = 5;

// Larger than the caches, so that the figure holds for bytes that come from elsewhere.
const data = randomFillSync(new Uint8Array(256 * MIB));
const room = new Uint8Array(MIB);

/** A new stream for each so many bytes: a small image pays for the start, too. */
const STREAMS = [4 * MIB, 256 * MIB, GIB];
const CHUNKS = [64 * KIB, 256 * KIB, MIB];

/** GiB per second of one round. */
function rate(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return ROUND / GIB / ((user + system) / 1e6);
}

function median(work: () => void): number {
  const rates = Array.from({ length: ROUNDS }, () => rate(work)).sort((a, b) => a - b);
  return rates[Math.floor(ROUNDS / 2)] ?? 0;
}

function eachChunk(length: number, take: (chunk: Uint8Array, position: number) => void): void {
  for (let position = 0; position < ROUND; position += length) {
    const from = position % data.length;
    take(data.subarray(from, from + length), position);
  }
}

function inspect(chunkLength: number, streamLength: number): void {
  let inspector = createInspector();
  eachChunk(chunkLength, (chunk, position) => {
    if (position > 0 && position % streamLength === 0) {
      inspector.finish();
      inspector = createInspector();
    }
    inspector.update(chunk);
  });
  inspector.finish();
}

for (const chunkLength of CHUNKS) {
  const copy = median(() => {
    eachChunk(chunkLength, (chunk) => {
      room.set(chunk);
    });
  });
  const told = STREAMS.map((streamLength) => {
    const figure = median(() => {
      inspect(chunkLength, streamLength);
    });
    return `${figure.toFixed(1)} in streams of ${streamLength / MIB} MiB`;
  });
  console.log(
    `chunks of ${chunkLength / KIB} KiB: ${told.join(', ')} GiB per second of CPU; copying ${copy.toFixed(1)}`,
  );
}
