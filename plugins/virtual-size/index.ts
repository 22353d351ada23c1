import { definePlugin } from '../../core/api.js';
import { VirtualSizeTask } from './virtual-size-task.js';

/** Publishes `virtual_size`. */
export default definePlugin({
  name: 'virtual-size',
  apiVersion: 1,
  description: 'Publishes the size of the disk that a guest sees',
  task: VirtualSizeTask,
});
