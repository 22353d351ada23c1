import { definePlugin } from '../../core/api.js';
import { rbd } from './rbd-driver.js';

/** Brings the store driver `rbd`; it has no task. */
export default definePlugin({
  name: 'rbd',
  apiVersion: 1,
  description: 'Keeps images in a Ceph pool',
  stores: [rbd],
});
