import { afterAll, beforeAll } from 'vitest';
import { createPrograms } from '../../../core/process/programs.js';
import { RbdConfig } from '../../../plugins/rbd/rbd-config.js';
import { RbdStore } from '../../../plugins/rbd/rbd-store.js';
import { describeStore } from '../../contract/store-contract.js';
import { CephService } from './ceph.js';

let ceph: CephService | undefined;
beforeAll(async () => {
  ceph = await CephService.start();
  await ceph.pool('images');
});
afterAll(async () => {
  await ceph?.[Symbol.asyncDispose]();
});

describeStore(
  'rbd',
  async () => {
    if (ceph === undefined) throw new Error('Ceph does not run');
    const { conf, keyring, user } = ceph;
    const config = RbdConfig.parse({ pool: 'images', conf, keyring, user });
    const settings = { confinement: 'auto', addressSpace: 2 ** 31, niceness: 10 } as const;
    const store = new RbdStore(
      config,
      { id: 'ceph' },
      createPrograms(settings, () => undefined),
    );
    await store.start();
    return store;
  },
  { slow: true },
);
