import { QemuImg, definePlugin, pluginConfig } from '../../core/api.js';
import { ConvertConfig } from './convert-config.js';
import { ConvertTask } from './convert-task.js';
import { SOURCE_PROPERTY_PREFIX } from './provenance.js';

/** Converts disk images to the format that the deployer has chosen. */
export default definePlugin({
  name: 'convert',
  apiVersion: 1,
  description: 'Converts disk images to one format with qemu-img',
  config: ConvertConfig,
  replacesData: true,
  properties: [`${SOURCE_PROPERTY_PREFIX}*`],
  defaults: { concurrency: 2 },
  task: ConvertTask,
  inject: [pluginConfig<ConvertConfig>(), QemuImg],
});
