import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../../core/base/clock.js';
import type { Config } from '../../core/config/config.js';
import { loadConfig } from '../../core/config/load.js';
import type { ServiceBindings } from '../../core/plugin/construct.js';
import { nodeFiles, silentLog } from '../../core/plugin/testing/index.js';

const FIXTURE = path.resolve(import.meta.dirname, '../fixtures/acme-stowage-plugin');

/** Installs the package of the third party below a directory, as npm would. */
export async function installAcme(directory: string): Promise<string> {
  const folder = path.join(directory, 'node_modules/@acme/stowage-plugin-scan');
  await cp(FIXTURE, folder, { recursive: true });
  return folder;
}

/** Writes a config file and reads it as the server does. */
export async function configFrom(directory: string, yaml: string): Promise<Config> {
  const file = path.join(directory, 'stowage.yaml');
  await mkdir(directory, { recursive: true });
  await writeFile(file, yaml);
  const flags = { dataDir: path.join(directory, 'data') };
  return loadConfig({ file, env: {}, flags, isTerminal: false });
}

/** Services that a plugin may be constructed with; those of a server that is not there refuse. */
export const detachedServices: ServiceBindings = {
  log: silentLog,
  metrics: { increment: () => undefined, gauge: () => undefined },
  state: { get: refused, set: refused, delete: refused },
  images: { get: refused, locations: refused, open: refused },
  programs: { run: refused, filter: refusedStream },
  qemuImg: { check: refused, convert: refused, open: refused, measure: refused },
  fetch: { check: () => undefined, open: refused },
  identity: { session: () => ({ token: refused, refused: () => undefined, endpoint: refused }) },
  files: nodeFiles,
  clock: systemClock,
};

function refused(): Promise<never> {
  return Promise.reject(new Error('There is no server behind this test'));
}

function refusedStream(): never {
  throw new Error('There is no server behind this test');
}
