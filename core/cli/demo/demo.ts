import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createApplication } from '../../application.js';
import { StowageError } from '../../base/errors.js';
import { loadConfig } from '../../config/load.js';
import { ApiClient } from '../client.js';
import { describeImage } from '../describe-image.js';
import { EXIT, exitCodeOf } from '../exit.js';
import { startJob } from '../import-job.js';
import { progressView } from '../progress-view.js';
import { signalled } from '../signals.js';
import { detectDiskFormat, importSource } from '../source.js';
import type { ImportSource } from '../source.js';
import type { Terminal } from '../terminal.js';
import { packageRoot } from '../version.js';
import { makeDisk, needQemuImg } from './disk.js';

const USAGE = `Usage: npm run demo [-- [--once] [--data-dir DIR] [FILE-OR-URL]]

Starts Stowage with conversion to raw, imports a disk made on the spot (or FILE-OR-URL) through the
HTTP API, shows each task, and goes on serving. With --once it ends after the import.`;

/** Shows the whole of Stowage in a minute. @returns the exit code */
export async function runDemo(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      once: { type: 'boolean', default: false },
      'data-dir': { type: 'string', default: path.join('data', 'demo') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    terminal.out(USAGE);
    return EXIT.ok;
  }
  const stop = signalled();
  try {
    await demonstrate(values['data-dir'], positionals[0], values.once, terminal, stop);
    return EXIT.ok;
  } catch (error) {
    if (stop.aborted) return EXIT.interrupted;
    if (!(error instanceof StowageError)) throw error;
    terminal.err(`demo: ${error.message}`);
    if (error.hint !== undefined) terminal.err(`  ${error.hint}`);
    return exitCodeOf(error);
  }
}

async function demonstrate(
  dataDir: string,
  wanted: string | undefined,
  isOnce: boolean,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  await needQemuImg();
  const file = path.join(packageRoot(), 'config/demo.yaml');
  const port = await freePort(loadConfig({ file, env: {} }).server.port);
  const config = loadConfig({ file, env: {}, flags: { dataDir, port } });
  const application = await createApplication(config);
  const { url } = await application.start();
  try {
    terminal.out(`Stowage serves at ${url}, data dir ${config.dataDir}`);
    const source =
      wanted === undefined ? await madeDisk(config.dataDir, terminal) : await importSource(wanted);
    await show(new ApiClient(url), source, terminal, stop);
    if (wanted === undefined && source.kind === 'file') await rm(source.path);
    if (!isOnce) await serveOn(url, dataDir, terminal, stop);
  } finally {
    await application.stop();
  }
}

async function madeDisk(dataDir: string, terminal: Terminal): Promise<ImportSource> {
  const file = path.join(dataDir, 'demo-disk.qcow2');
  await mkdir(dataDir, { recursive: true });
  terminal.out('Making a disk: 512 MiB, GUID partition table, FAT16, files, as qcow2');
  await makeDisk(file);
  return importSource(file);
}

async function show(
  client: ApiClient,
  source: ImportSource,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  const diskFormat = await detectDiskFormat(source, stop);
  terminal.out(
    `\nImporting ${source.kind === 'file' ? source.path : source.url} (${diskFormat})\n`,
  );
  const view = progressView(terminal);
  try {
    const job = await startJob(
      client,
      {
        source,
        name: source.name,
        diskFormat,
        containerFormat: 'bare',
        properties: {},
        stores: [],
        allStores: false,
        checksum: undefined,
        isServed: false,
      },
      {
        rows: (rows) => {
          view.update(rows);
        },
      },
      stop,
    );
    const { image } = await job.finished();
    view.end();
    terminal.out(`\nThe image\n`);
    for (const line of describeImage(image)) terminal.out(line);
  } finally {
    view.end();
  }
}

async function serveOn(
  url: string,
  dataDir: string,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  for (const line of [
    '',
    `Stowage goes on serving at ${url}. Try, in another terminal:`,
    '',
    `  bin/stowage imports list --data-dir ${dataDir}`,
    `  bin/stowage import FILE-OR-URL --data-dir ${dataDir}`,
    `  curl ${url}/v2/images`,
    `  glance --os-auth-type none --os-endpoint ${url} image-list`,
    '',
    'Ctrl-C stops it.',
  ]) {
    terminal.out(line);
  }
  if (!stop.aborted) await once(stop, 'abort');
}

/** The port, or 0 (the system chooses) when somebody listens there already. */
async function freePort(port: number): Promise<number> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
    return port;
  } catch {
    return 0;
  } finally {
    probe.close();
  }
}
