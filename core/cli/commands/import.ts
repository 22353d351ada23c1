import type { Config } from '../../config/config.js';
import { ApiClient } from '../client.js';
import { describeImage } from '../describe-image.js';
import { startJob } from '../import-job.js';
import type { ImportJob, JobListener } from '../import-job.js';
import { progressView } from '../progress-view.js';
import { configOf, connect, runningServer } from '../server.js';
import type { ServerOptions } from '../server.js';
import { detectDiskFormat, importSource } from '../source.js';
import type { Terminal } from '../terminal.js';
import { headerLines, keyValues, usageError } from '../usage.js';

export interface ImportOptions extends ServerOptions {
  readonly name?: string;
  readonly diskFormat?: string;
  readonly containerFormat: string;
  readonly store?: readonly string[];
  readonly allStores?: boolean;
  readonly property?: readonly string[];
  readonly checksum?: string;
  readonly json?: boolean;
  readonly wait: boolean;
}

/** Imports one file or URL and shows it. Ctrl-C leaves an import alone that a server has accepted. */
export async function importImage(
  text: string,
  options: ImportOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const source = await importSource(text);
  const diskFormat = options.diskFormat ?? (await detectDiskFormat(source, signal));
  const properties = keyValues(options.property ?? [], '--property');
  await using server = await findOrStart(options, terminal);
  const job: ImportJob = {
    source,
    name: options.name ?? source.name,
    diskFormat,
    containerFormat: options.containerFormat,
    properties,
    stores: options.store ?? [],
    allStores: options.allStores ?? false,
    checksum: options.checksum,
    isServed: server.isServed,
  };
  const run = options.json === true ? runForMachines : runForPeople;
  await run(server.client, job, options.wait, terminal, signal);
}

interface Server extends AsyncDisposable {
  readonly client: ApiClient;
  /** It serves on when the command has ended. */
  readonly isServed: boolean;
}

/** The running server, or one in this process that ends with the command. */
async function findOrStart(options: ImportOptions, terminal: Terminal): Promise<Server> {
  const nothing = (): Promise<void> => Promise.resolve();
  if (options.url !== undefined) {
    return { client: await connect(options), isServed: true, [Symbol.asyncDispose]: nothing };
  }
  const config = configOf(options);
  const headers = headerLines(options.header ?? []);
  const client = await runningServer(config.dataDir, headers);
  if (client !== undefined) return { client, isServed: true, [Symbol.asyncDispose]: nothing };
  if (!options.wait) {
    throw usageError(
      `--no-wait needs a running server, and none runs on "${config.dataDir}"`,
      'Start `stowage serve`, or leave --no-wait out',
    );
  }
  const { createApplication } = await import('../../application.js');
  const application = await createApplication(forOneImport(config));
  const { url } = await application.start();
  if (options.json !== true)
    terminal.err(`No server runs on ${config.dataDir}: importing in this process`);
  return {
    client: new ApiClient(url, headers),
    isServed: false,
    [Symbol.asyncDispose]: () => application.stop(),
  };
}

/** Listens for this process alone, on a port that nobody knows, and logs only what goes wrong. */
function forOneImport(config: Config): Config {
  return {
    ...config,
    server: { ...config.server, host: '127.0.0.1', port: 0, publicEndpoint: undefined },
    log: { ...config.log, level: 'error' },
  };
}

async function runForPeople(
  client: ApiClient,
  job: ImportJob,
  wait: boolean,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const view = progressView(terminal);
  const listener: JobListener = {
    imageCreated: (image) => {
      terminal.out(`Importing "${job.name}" (${job.diskFormat}) as image ${image.id}`);
    },
    rows: (rows) => {
      view.update(rows);
    },
  };
  try {
    const started = await startJob(client, job, listener, signal);
    if (!wait) {
      view.end();
      terminal.out(
        `Import ${started.started.id} is under way. See: stowage imports show ${started.started.id}`,
      );
      return;
    }
    const { image } = await started.finished();
    view.end();
    for (const line of describeImage(image)) terminal.out(line);
  } finally {
    view.end();
  }
}

async function runForMachines(
  client: ApiClient,
  job: ImportJob,
  wait: boolean,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const say = (event: string, data: object): void => {
    terminal.out(JSON.stringify({ event, ...data }));
  };
  const listener: JobListener = {
    imageCreated: (image) => {
      say('image.created', { image });
    },
    importStarted: (started) => {
      say('import.accepted', { import: started });
    },
    event: ({ type, data }) => {
      say(type, JSON.parse(data) as object);
    },
  };
  const started = await startJob(client, job, listener, signal);
  if (!wait) return;
  const { image, last } = await started.finished();
  say('image.active', { image, import: last });
}
