import { PluginSite, Programs, defineStore, pluginConfig } from '../../core/api.js';
import { RbdConfig } from './rbd-config.js';
import { RbdStore } from './rbd-store.js';

export const rbd = defineStore({
  driver: 'rbd',
  description: 'Images of a Ceph pool, from which Nova and Cinder clone',
  schemes: ['rbd'],
  config: RbdConfig,
  store: RbdStore,
  inject: [pluginConfig<RbdConfig>(), PluginSite, Programs],
});
