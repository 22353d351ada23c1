import { GuardedFetch, defineStore, pluginConfig } from '../../core/api.js';
import { HttpConfig } from './http-config.js';
import { HttpStore } from './http-store.js';

export const http = defineStore({
  driver: 'http',
  description: 'Web servers; images are registered by their URL, and never written',
  readOnly: true,
  schemes: ['http', 'https'],
  config: HttpConfig,
  store: HttpStore,
  inject: [pluginConfig<HttpConfig>(), GuardedFetch],
});
