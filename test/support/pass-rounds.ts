/**
 * A server of a kind: takes `uploads` streams of `MiB` each at once, prints what it saw as JSON, and
 * ends when nothing is left to do, without being told to.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Readable } from 'node:stream';
import { ThreadedDataflow } from '../../core/dataflow/threaded-dataflow.js';

const [, , directory = '.', uploads = '1', mebibytes = '1'] = process.argv;
const block = randomBytes(1024 ** 2);
const size = Number(mebibytes) * block.length;

function* blocks(): Generator<Buffer> {
  // A socket gives pieces of this size, in memory of their own.
  for (let sent = 0; sent < size; sent += 65_536) {
    yield Buffer.from(block.subarray(sent % block.length, (sent % block.length) + 65_536));
  }
}

const dataflow = new ThreadedDataflow();
let peak = 0;
const sampler = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 20);
const results = await Promise.all(
  Array.from({ length: Number(uploads) }, (_, index) =>
    dataflow.pass({
      source: {
        kind: 'stream',
        stream: Readable.from(blocks()),
        target: path.join(directory, `target-${index}`),
        prefix: 0,
        idleTimeoutMs: 10_000,
      },
      digests: ['md5', 'sha512'],
      inspector: {
        update: () => undefined,
        finish: () => ({ format: 'raw', size, safe: true, findings: [], metadata: {} }),
      },
      observers: new Map(),
      maxSize: size,
      expectedSize: size,
      signal: new AbortController().signal,
    }),
  ),
);
clearInterval(sampler);
console.log(JSON.stringify({ peak, sizes: results.map((result) => result.size) }));
