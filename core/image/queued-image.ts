import type { Image, Visibility } from './image.js';

/** Of an image that nobody has said it of. */
export const DEFAULT_VISIBILITY: Visibility = 'shared';

/** The record of an image that nothing is known of but whose it is. */
export function queuedImage(id: string, owner: string | null, createdAt: Date): Image {
  return {
    id,
    name: null,
    status: 'queued',
    visibility: DEFAULT_VISIBILITY,
    owner,
    diskFormat: null,
    containerFormat: null,
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
    createdAt,
    updatedAt: createdAt,
  };
}
