import { definePlugin } from '../../core/api.js';
import { glanceDownload } from './glance-download.js';

/** Brings the method `glance-download`; it has no task. */
export default definePlugin({
  name: 'glance-download',
  apiVersion: 1,
  description: 'Imports images from other Image API endpoints',
  methods: [glanceDownload],
});
