import { PluginClock, PluginSite, definePlugin, pluginConfig } from '../../core/api.js';
import { VerifyConfig } from './verify-config.js';
import { VerifyTask } from './verify-task.js';

/** Refuses bytes that are not those that were signed. */
export default definePlugin({
  name: 'verify',
  apiVersion: 1,
  description: 'Holds the bytes against the signature and the digests in the image’s properties',
  config: VerifyConfig,
  judgesData: true,
  // A signature is over the bytes that were sent.
  before: ['decompress', 'convert'],
  defaults: { concurrency: 2 },
  task: VerifyTask,
  inject: [pluginConfig<VerifyConfig>(), PluginSite, PluginClock],
});
