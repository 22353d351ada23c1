import { Images, Stores, definePlugin } from '../../core/api.js';
import { cinder } from './cinder-driver.js';
import { cinderClone } from './clone-method.js';
import { CinderCloneTask } from './clone-task.js';
import { volumeBacked } from './volume-backed-method.js';

/** Brings the store driver `cinder`, the methods `cinder-clone` and `volume-backed`, and a task for copies. */
export default definePlugin({
  name: 'cinder-clone',
  apiVersion: 1,
  description: 'Makes images of volumes, and keeps images as volumes, by clones inside Cinder',
  task: CinderCloneTask,
  inject: [Stores, Images],
  perStore: true,
  before: ['store'],
  methods: [cinderClone, volumeBacked],
  stores: [cinder],
});
