import type { Image } from '../../image/image.js';

/** A raw image on its way in, but for what the test says. */
export function anImage(overrides: Partial<Image> = {}): Image {
  return {
    id: '5f0c1f9e-7d8a-4c1e-9a38-0b5d1c2e3f40',
    name: 'an image',
    status: 'importing',
    visibility: 'shared',
    owner: 'a-project',
    diskFormat: 'raw',
    containerFormat: 'bare',
    size: null,
    virtualSize: null,
    checksum: null,
    osHashAlgo: null,
    osHashValue: null,
    minDisk: 0,
    minRam: 0,
    protected: false,
    osHidden: false,
    tags: [],
    memberIds: [],
    properties: {},
    createdAt: new Date('2026-01-01T00:00:00Z'),
    updatedAt: new Date('2026-01-01T00:00:00Z'),
    ...overrides,
  };
}
