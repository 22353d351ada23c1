import { definePlugin } from '../../core/api.js';
import { cinder } from './cinder-driver.js';
import { cinderClone } from './clone-method.js';
import { volumeBacked } from './volume-backed-method.js';

/** Brings the store driver `cinder` and the methods `cinder-clone` and `volume-backed`; it has no task. */
export default definePlugin({
  name: 'cinder-clone',
  apiVersion: 1,
  description: 'Makes images of volumes, and keeps images as volumes, by clones inside Cinder',
  methods: [cinderClone, volumeBacked],
  stores: [cinder],
});
