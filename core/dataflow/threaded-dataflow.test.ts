import { createHash, randomBytes } from 'node:crypto';
import { it, expect } from 'vitest';
import { Readable } from 'node:stream';
import { mkdtempSync, readFileSync } from 'node:fs';
import { ThreadedDataflow } from './threaded-dataflow.js';
it('x', async () => {
  const d = new ThreadedDataflow();
  const dir = mkdtempSync('/tmp/df-');
  const data = randomBytes(3_000_000);
  const t = performance.now();
  const r = await d.pass({
    source: {
      kind: 'stream',
      stream: Readable.from([data]),
      target: dir + '/a',
      prefix: 0,
      idleTimeoutMs: 1000,
    },
    digests: ['md5', 'sha512'],
    inspector: {
      update: () => undefined,
      finish: () => ({ format: 'raw', size: 0, safe: true, findings: [], metadata: {} }),
    },
    observers: new Map(),
    maxSize: 1e9,
    expectedSize: undefined,
    signal: new AbortController().signal,
  });
  console.log(r, performance.now() - t);
  expect(r.digests['md5']).toBe(createHash('md5').update(data).digest('hex'));
  expect(readFileSync(dir + '/a').equals(data)).toBe(true);
  await d.stop();
});
