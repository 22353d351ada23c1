/**
 * What a pass costs: 1 GiB of incompressible bytes come over loopback from another process, with
 * md5 and sha512, a file and nothing else. The yardstick is what the digests alone cost with
 * OpenSSL's own program, spread over two cores: (md5 + sha512) / 2.
 *
 *     npx tsx test/bench/pass.ts [directory] [GiB] [uploads at once]
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ThreadedDataflow } from '../../core/dataflow/threaded-dataflow.js';

const GIB = 1024 ** 3;
const parent = process.argv[2] ?? tmpdir();
const size = Number(process.argv[3] ?? '1') * GIB;
const uploads = Number(process.argv[4] ?? '1');

/** Sends `argv[3]` bytes to the port `argv[2]`: 64 MiB of random bytes, over and over. */
const SENDER = `
  const bytes = require('node:crypto').randomBytes(64 * 1024 ** 2);
  const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1');
  let left = Number(process.argv[2]);
  socket.on('connect', () => { process.stdin.once('data', send); });
  function send() {
    while (left > 0) {
      const piece = bytes.subarray(0, Math.min(left, bytes.length));
      left -= piece.length;
      if (!socket.write(piece)) { socket.once('drain', send); return; }
    }
    socket.end(() => process.exit());
  }
`;

/** Seconds of CPU that OpenSSL takes to digest as many bytes. */
function opensslSeconds(algorithm: string): number {
  const script = `head -c ${Math.min(size, GIB)} /dev/urandom > "$1/random"; cat "$1/random" > /dev/null
    TIMEFORMAT=%U; time openssl dgst -${algorithm} "$1/random" > /dev/null`;
  const run = spawnSync('bash', ['-c', script, 'bash', directory], { encoding: 'utf8' });
  return (Number(run.stderr.trim().split('\n').at(-1)) * size) / Math.min(size, GIB);
}

async function upload(dataflow: ThreadedDataflow, index: number): Promise<void> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port to listen on');
  const sender = spawn(process.execPath, ['-e', SENDER, String(address.port), String(size)], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  started[index] = performance.now();
  sender.stdin.write('go');
  await dataflow.pass({
    source: {
      kind: 'stream',
      stream: socket,
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
  });
  server.close();
}

const directory = await mkdtemp(path.join(parent, 'stowage-bench-'));
const started: number[] = [];
let peak = 0;
try {
  const ideal = ((opensslSeconds('md5') + opensslSeconds('sha512')) / 2) * uploads;
  const dataflow = new ThreadedDataflow();
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 50);
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: uploads }, (_, index) => upload(dataflow, index)));
  const seconds = (performance.now() - Math.min(...started)) / 1000;
  const used = process.cpuUsage(cpu);
  clearInterval(sampler);
  await dataflow.stop();
  console.log({
    seconds,
    ideal,
    ratio: seconds / ideal,
    userSeconds: used.user / 1e6,
    systemSeconds: used.system / 1e6,
    peakMiB: Math.round(peak / 1024 ** 2),
  });
} finally {
  await rm(directory, { recursive: true });
}
