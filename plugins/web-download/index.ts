import { definePlugin } from '../../core/api.js';
import { webDownload } from './web-download.js';

/** Brings the method `web-download`; it has no task. */
export default definePlugin({
  name: 'web-download',
  apiVersion: 1,
  description: 'Imports images from http and https addresses',
  methods: [webDownload],
});
