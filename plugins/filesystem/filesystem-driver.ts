import path from 'node:path';
import { Files, PluginSite, defineStore, pluginConfig, z } from '../../core/api.js';
import { FilesystemStore } from './filesystem-store.js';

const FilesystemConfig = z.strictObject({
  path: z.string().min(1).describe('Directory; relative paths start at the data dir'),
});
type FilesystemConfig = z.output<typeof FilesystemConfig>;

class ConfiguredStore extends FilesystemStore {
  constructor(config: FilesystemConfig, { dataDir, id }: PluginSite, files: Files) {
    super(path.resolve(dataDir, config.path), id, files);
  }
}

export const filesystem = defineStore({
  driver: 'filesystem',
  description: 'Files of a directory; takes staged files without a copy on the same file system',
  config: FilesystemConfig,
  store: ConfiguredStore,
  inject: [pluginConfig<FilesystemConfig>(), PluginSite, Files],
});
