import { PluginSite, definePlugin, pluginConfig } from '../../core/api.js';
import { InjectConfig, injectedNames } from './inject-config.js';
import { InjectTask } from './inject-task.js';

/** Sets image properties of the deployer's choosing. */
export default definePlugin({
  name: 'inject-metadata',
  apiVersion: 1,
  description: 'Sets image properties by who imports what',
  config: InjectConfig,
  writes: (config) => injectedNames(config as InjectConfig),
  task: InjectTask,
  inject: [pluginConfig<InjectConfig>(), PluginSite],
});
