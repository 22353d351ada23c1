import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { TransientError, systemCode } from '../base/errors.js';
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

/** What a running server leaves in its data dir. */
const ServerFile = z.looseObject({ url: z.string() });

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

/** The server that runs on a data dir, or `undefined`. */
export async function runningServer(
  dataDir: string,
  headers: Readonly<Record<string, string>>,
): Promise<ApiClient | undefined> {
  const url = readServerFile(dataDir);
  if (url === undefined) return undefined;
  const client = new ApiClient(url, headers);
  try {
    await client.send('/healthcheck', { signal: AbortSignal.timeout(5000) });
    return client;
  } catch {
    // A file that outlived its server; whether somebody else holds the data dir its lock will tell.
    return undefined;
  }
}

function readServerFile(dataDir: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path.join(dataDir, 'server.json'), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return ServerFile.parse(JSON.parse(text)).url.replace(/\/+$/, '');
  } catch {
    return undefined; // half written when its server died
  }
}
