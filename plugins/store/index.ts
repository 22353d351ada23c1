import { definePlugin } from '../../core/api.js';
import { StoreTask } from './store-task.js';

/** Puts the bytes into a store: one task for each target store, which fail and retry alone. */
export default definePlugin({
  name: 'store',
  apiVersion: 1,
  description: 'Puts the bytes into each target store',
  position: 'last',
  perStore: true,
  task: StoreTask,
});
