import type { PluginLog } from '../contract/services.js';

/** Takes every line and shows none. */
export const silentLog: PluginLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
