import { nodeFiles } from '../../core/plugin/testing/index.js';
import { FilesystemStore } from '../../plugins/filesystem/filesystem-store.js';
import { describeStore } from './store-contract.js';

describeStore(
  'filesystem',
  async (directory) => {
    const store = new FilesystemStore(directory, 'fast', nodeFiles);
    await store.start({ holdsObjects: false });
    return store;
  },
  { large: true },
);
