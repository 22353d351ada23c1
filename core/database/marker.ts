import { InvalidInputError } from '../base/errors.js';

/** For an id that a caller has named as the end of the page before. */
export function markerNotFound(kind: 'image' | 'import', id: string): InvalidInputError {
  return new InvalidInputError({
    code: 'MARKER_NOT_FOUND',
    message: `Cannot list what follows ${kind} "${id}": there is no such ${kind}`,
    hint: 'Begin the list anew, without a marker',
  });
}
