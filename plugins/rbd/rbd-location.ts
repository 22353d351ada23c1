import { createHash } from 'node:crypto';
import { InvalidInputError, NotFoundError } from '../../core/api.js';

/** Nova and Cinder clone from a snapshot, and Glance has always called it so. */
const SNAPSHOT = 'snap';

const SEGMENT = /^(?!\.)[A-Za-z0-9._-]{1,200}$/;

/** Ceph gives `@` and `/` a meaning of their own in the names of images. */
const PART = /^[^/@\s]{1,200}$/;

/** An image of a pool at a snapshot of it. */
export interface RbdLocation {
  readonly fsid: string;
  readonly pool: string;
  readonly image: string;
  readonly snapshot: string;
}

/**
 * The image in the pool for an object: found by the image that it belongs to, and never used twice.
 * @throws {InvalidInputError} `OBJECT_NAME_INVALID`
 */
export function imageOf(name: string): string {
  const segments = name.split('/');
  const [owner = ''] = segments;
  if (!segments.every((segment) => SEGMENT.test(segment))) {
    throw new InvalidInputError({
      code: 'OBJECT_NAME_INVALID',
      message: `"${name}" cannot be the name of an object`,
      hint: 'Names are segments of letters, digits, ".", "_" and "-", joined by "/"',
    });
  }
  const one = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${owner}.${one}`;
}

export function locationOf(fsid: string, pool: string, name: string): RbdLocation {
  return { fsid, pool, image: imageOf(name), snapshot: SNAPSHOT };
}

/** As Nova and Cinder read it: `rbd://FSID/POOL/IMAGE/SNAPSHOT`, each part percent-encoded. */
export function urlOf({ fsid, pool, image, snapshot }: RbdLocation): string {
  return `rbd://${[fsid, pool, image, snapshot].map(encodeURIComponent).join('/')}`;
}

/** @throws {NotFoundError} `OBJECT_NOT_FOUND` for what is no URL of this driver */
export function parseUrl(url: string): RbdLocation {
  const parts = /^rbd:\/\/([^?#]*)$/.exec(url)?.[1]?.split('/').map(decoded) ?? [];
  const [fsid = '', pool = '', image = '', snapshot = ''] = parts;
  if (parts.length === 4 && parts.every((part) => PART.test(part) && !part.startsWith('-'))) {
    return { fsid, pool, image, snapshot };
  }
  throw new NotFoundError({
    code: 'OBJECT_NOT_FOUND',
    message: `"${url}" is no location in a Ceph pool`,
    hint: 'Such a location reads rbd://FSID/POOL/IMAGE/SNAPSHOT',
  });
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // No part of a name; the caller says so.
    return '';
  }
}
