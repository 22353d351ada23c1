import {
  Identity,
  Images,
  PluginClock,
  PluginSite,
  PluginState,
  Programs,
  defineStore,
  pluginConfig,
} from '../../core/api.js';
import { CinderConfig } from './cinder-config.js';
import { CinderStore } from './cinder-store.js';
import { DRIVER } from './cinder-stores.js';

export const cinder = defineStore({
  driver: DRIVER,
  description: 'Images as volumes, cloned inside the storage',
  schemes: ['cinder'],
  registersUnread: true,
  config: CinderConfig,
  store: CinderStore,
  inject: [
    pluginConfig<CinderConfig>(),
    PluginSite,
    Identity,
    Images,
    Programs,
    PluginState,
    PluginClock,
  ],
});
