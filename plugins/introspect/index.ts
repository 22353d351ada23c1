import { definePlugin, pluginConfig } from '../../core/api.js';
import { IntrospectConfig } from './introspect-config.js';
import { IntrospectTask } from './introspect-task.js';

/** Publishes what the image says of itself and judges the declared format. */
export default definePlugin({
  name: 'introspect',
  apiVersion: 1,
  description: 'Publishes what the image says of itself; compares it with the declared disk_format',
  config: IntrospectConfig,
  judgesData: true,
  task: IntrospectTask,
  inject: [pluginConfig<IntrospectConfig>()],
});
