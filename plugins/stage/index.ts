import { definePlugin } from '../../core/api.js';
import { copyImage } from './copy-image.js';
import { glanceDirect } from './glance-direct.js';
import { locationImport } from './location-import.js';
import { StageTask } from './stage-task.js';
import { upload } from './upload.js';

/** Brings the bytes of an import into staging, and the methods whose bytes need no other plugin. */
export default definePlugin({
  name: 'stage',
  apiVersion: 1,
  description: 'Brings the bytes of an import into staging',
  position: 'first',
  task: StageTask,
  methods: [glanceDirect, upload, copyImage, locationImport],
});
