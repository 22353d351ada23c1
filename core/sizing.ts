import { mkdir, stat, statfs } from 'node:fs/promises';
import type { Config } from './config/config.js';
import type { Reader } from './engine/ports.js';
import { isFileStore } from './plugin/contract/store.js';
import type { StoreRegistry } from './store/registry.js';
import type { Logger } from './telemetry/logger.js';

/** Part of the free bytes that `staging.capacity: auto` takes. */
const AUTO_SHARE = 0.8;

/**
 * Bytes that staging may hold. `auto` counts what is staged already as free, so that a restart does
 * not shrink it.
 */
export async function stagingCapacity(config: Config, read: Reader): Promise<number> {
  const { capacity, path } = config.staging;
  if (capacity !== 'auto') return capacity;
  await mkdir(path, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(path);
  return Math.floor(AUTO_SHARE * (bavail * bsize + (await read.reservedBytes())));
}

/** Says at start which stores cannot take over staged files by linking them. */
export async function warnOfCopies(
  config: Config,
  stores: StoreRegistry,
  log: Logger,
): Promise<void> {
  const staging = await stat(config.staging.path);
  const down = new Set(stores.outages().map(({ id }) => id));
  for (const { id } of stores.list().filter((info) => !down.has(info.id))) {
    const store = stores.get(id);
    if (!isFileStore(store)) continue;
    const { dev } = await stat(store.root);
    if (dev === staging.dev) continue;
    log.warn('Staging and store lie on different file systems: every import copies its bytes', {
      staging: config.staging.path,
      store: id,
      store_root: store.root,
      hint: 'Put staging.path on the file system of the store',
    });
  }
}
