import { Stores, defineMethod, z } from '../../core/api.js';
import type { DataSource, JsonObject, MethodContext, MethodSource } from '../../core/api.js';
import { BlockDeviceMapping, rootOf } from './block-device-mapping.js';
import { cinderStore } from './cinder-stores.js';

const Params = z.strictObject({
  block_device_mapping: BlockDeviceMapping,
  store: z.string().min(1).optional(),
});

/**
 * Makes the image of a whole server: a clone of the device that it boots from is the image's disk, and
 * the mapping tells the others. None of them goes with the image.
 */
class ServerDevices implements MethodSource {
  constructor(private readonly stores: Stores) {}

  check(params: JsonObject): Promise<void> {
    return new Promise((resolve) => {
      const { store, block_device_mapping: mapping } = Params.parse(params);
      cinderStore(this.stores, store);
      rootOf(mapping);
      resolve();
    });
  }

  source({ params }: MethodContext): Promise<DataSource> {
    const { store, block_device_mapping: mapping } = Params.parse(params);
    const origin = { mapping: mapping as unknown as JsonObject[] };
    return Promise.resolve({ kind: 'clone', store: cinderStore(this.stores, store), origin });
  }
}

export const volumeBacked = defineMethod({
  name: 'volume-backed',
  description: 'Make the image of a server whose devices are volumes, snapshots, images or blank',
  params: Params,
  from: ['queued'],
  data: 'new',
  source: ServerDevices,
  inject: [Stores],
});
