import type { Image } from '../../core/image/image.js';
import { anImage as anImageOnItsWay } from '../../core/plugin/testing/index.js';

/** An image as it is right after it was created, but for what the test says. */
export function anImage(overrides: Partial<Image> = {}): Image {
  return anImageOnItsWay({ status: 'queued', owner: 'p', ...overrides });
}
