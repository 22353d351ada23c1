import { createHash } from 'node:crypto';
import path from 'node:path';
import { InvalidInputError, NotFoundError } from '../../core/api.js';

/** Opaque to others, and relative, so that the directory can be moved. */
const SCHEME = 'filesystem:';

const SEGMENT = /^(?!\.)[A-Za-z0-9._-]{1,200}$/;

/** While it is written an object has this at the end of its name, which no name may have. */
export const PART_SUFFIX = '.part';

/**
 * Where an object lies below the root: in one of 256 directories, so that none grows too large.
 *
 * @throws {InvalidInputError} `OBJECT_NAME_INVALID` for names that could leave the root
 */
export function objectPath(name: string): string {
  const segments = name.split('/');
  if (!segments.every((segment) => SEGMENT.test(segment)) || name.endsWith(PART_SUFFIX)) {
    throw new InvalidInputError({
      code: 'OBJECT_NAME_INVALID',
      message: `"${name}" cannot be the name of an object`,
      hint: 'Names are segments of letters, digits, ".", "_" and "-", joined by "/"',
    });
  }
  const shard = createHash('sha256')
    .update(segments[0] ?? '')
    .digest('hex')
    .slice(0, 2);
  return path.join(shard, ...segments);
}

export function urlOf(name: string): string {
  return `${SCHEME}${name}`;
}

/** @throws {NotFoundError} `OBJECT_NOT_FOUND` for what is no URL of this driver */
export function nameOf(url: string): string {
  if (url.startsWith(SCHEME)) return url.slice(SCHEME.length);
  throw new NotFoundError({
    code: 'OBJECT_NOT_FOUND',
    message: `"${url}" is no location in a filesystem store`,
  });
}
