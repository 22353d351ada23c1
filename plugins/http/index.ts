import { definePlugin } from '../../core/api.js';
import { http } from './http-driver.js';

/** Brings the read-only store driver `http`; it has no task. */
export default definePlugin({
  name: 'http',
  apiVersion: 1,
  description: 'Reads images from web servers, where they stay',
  stores: [http],
});
