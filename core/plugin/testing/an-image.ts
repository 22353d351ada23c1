import type { Image } from '../../image/image.js';
import { queuedImage } from '../../image/queued-image.js';

const ID = '5f0c1f9e-7d8a-4c1e-9a38-0b5d1c2e3f40';

/** A raw image on its way in, but for what the test says. */
export function anImage(overrides: Partial<Image> = {}): Image {
  return {
    ...queuedImage(ID, 'a-project', new Date('2026-01-01T00:00:00Z')),
    name: 'an image',
    status: 'importing',
    diskFormat: 'raw',
    containerFormat: 'bare',
    ...overrides,
  };
}
