import { TransientError } from '../base/errors.js';
import type { Config } from '../config/config.js';
import { loadConfig } from '../config/load.js';
import { ApiClient } from './client.js';
import { headerLines } from './usage.js';

/** Options by which a command finds its server. */
export interface ServerOptions {
  readonly url?: string;
  readonly config?: string;
  readonly dataDir?: string;
  readonly header?: readonly string[];
}

/** The configuration that the options name. */
export function configOf({ config, dataDir }: ServerOptions): Config {
  return loadConfig({ file: config, flags: { dataDir } });
}

/**
 * A client for the server that the options name, or that runs on the data dir.
 * @throws {TransientError} `SERVER_UNREACHABLE` when there is none
 */
export async function connect(options: ServerOptions): Promise<ApiClient> {
  const headers = headerLines(options.header ?? []);
  if (options.url !== undefined) return new ApiClient(options.url.replace(/\/+$/, ''), headers);
  const { dataDir } = configOf(options);
  const client = await runningServer(dataDir, headers);
  if (client !== undefined) return client;
  throw new TransientError({
    code: 'SERVER_UNREACHABLE',
    message: `No server runs on the data dir "${dataDir}"`,
    hint: 'Start one with `stowage serve`, or name another by --url or --data-dir',
  });
}

/** The server that holds a data dir, or `undefined`. */
export async function runningServer(
  dataDir: string,
  headers: Readonly<Record<string, string>>,
): Promise<ApiClient | undefined> {
  const { findServer } = await import('../database/data-dir-lock.js');
  const server = await findServer(dataDir);
  return server === undefined ? undefined : new ApiClient(server.url.replace(/\/+$/, ''), headers);
}
