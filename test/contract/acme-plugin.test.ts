import { beforeAll } from 'vitest';
import type { ImportTask, Store } from '../../core/api.js';
import { construct } from '../../core/plugin/construct.js';
import type { PluginManifest } from '../../core/plugin/contract/manifest.js';
import { detachedServices } from '../support/plugin-site.js';
import { gptDisk } from '../support/images/disk.js';
import { describeStore } from './store-contract.js';
import { describeTask } from './task-contract.js';

/** The third party's package, loaded as its own tests would load it. */
let manifest: PluginManifest;

beforeAll(async () => {
  const entry = new URL('../fixtures/acme-stowage-plugin/index.js', import.meta.url).href;
  ({ default: manifest } = (await import(entry)) as { readonly default: PluginManifest });
});

const none = () => Promise.reject(new Error('none')) as never;
const stores = { list: () => [], info: none, stat: none };

function scan(refuse: boolean): ImportTask {
  if (manifest.task === undefined) throw new Error('The package brings no task');
  return construct({
    target: manifest.task,
    inject: manifest.inject ?? [],
    config: { refuse },
    site: { dataDir: '/nowhere', id: 'scan', maxProperties: 128 },
    services: detachedServices,
    stores,
  });
}

describeStore('@acme/stowage-plugin-scan', async (directory): Promise<Store> => {
  const driver = manifest.stores?.[0];
  if (driver === undefined) throw new Error('The package brings no store');
  const store = construct({
    target: driver.store,
    inject: driver.inject ?? [],
    config: { directory },
    site: { dataDir: directory, id: 'archive', maxProperties: 128 },
    services: detachedServices,
    stores,
  });
  await store.start?.({ holdsObjects: false });
  return store;
});

const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(
  '',
);
const infected = Buffer.concat([Buffer.alloc(70_000), Buffer.from(EICAR), Buffer.alloc(1000)]);

describeTask('@acme/stowage-plugin-scan', [
  { title: 'a clean disk', task: () => scan(true), context: () => ({ data: gptDisk() }) },
  {
    title: 'an infected disk',
    task: () => scan(true),
    context: () => ({ data: infected }),
    fails: { class: 'rejected', code: 'ACME_EICAR_FOUND' },
  },
  { title: 'an infected disk, told', task: () => scan(false), context: () => ({ data: infected }) },
]);
