import { Programs, definePlugin, pluginConfig } from '../../core/api.js';
import { DecompressConfig } from './decompress-config.js';
import { DecompressTask } from './decompress-task.js';
import { OVF_PROPERTY_PREFIX } from './ovf-properties.js';
import { PACKED_PROPERTY_PREFIX } from './provenance.js';

/** Unpacks compressed images, ZIP archives of one file and OVA packages of one disk. */
export default definePlugin({
  name: 'decompress',
  apiVersion: 1,
  description: 'Unpacks gz, xz, zst, bz2, lzma, zip (one file) and ova (one disk)',
  config: DecompressConfig,
  replacesData: true,
  // They speak of the disk, which is inside.
  before: ['introspect', 'virtual-size', 'convert'],
  properties: [`${PACKED_PROPERTY_PREFIX}*`, `${OVF_PROPERTY_PREFIX}*`],
  defaults: { concurrency: 2 },
  task: DecompressTask,
  inject: [pluginConfig<DecompressConfig>(), Programs],
});
