import { definePlugin } from '../../core/api.js';
import { filesystem } from './filesystem-driver.js';

/** Brings the store driver `filesystem`; it has no task. */
export default definePlugin({
  name: 'filesystem',
  apiVersion: 1,
  description: 'Keeps images as files of a directory',
  stores: [filesystem],
});
