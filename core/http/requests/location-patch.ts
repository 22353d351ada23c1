import { z } from 'zod';
import type { LocationEdit } from '../../catalogue/locations.js';
import { parseBody } from './body.js';
import { parseJsonPatch, patchInvalid } from './json-patch.js';
import type { PatchOperation } from './json-patch.js';
import { NEW_LOCATION, toNewLocation } from './location-body.js';

const LIST = z.array(NEW_LOCATION);
const POINTER = /^\/locations(?:\/(?<place>-|\d{1,4}))?$/;

/**
 * The changes of an image's locations that a JSON patch makes (API-65); `undefined` where it makes
 * none.
 * @throws {InvalidInputError} `PATCH_INVALID` · `BODY_INVALID`
 */
export function parseLocationPatch(
  body: unknown,
  draft: 4 | 10,
): readonly LocationEdit[] | undefined {
  const operations = parseJsonPatch(body, draft);
  const touching = operations.filter(({ path }) => /^\/locations(?:\/|$)/.test(String(path)));
  if (touching.length === 0) return undefined;
  if (touching.length < operations.length) {
    throw patchInvalid('Locations are changed in a patch of their own');
  }
  return touching.map(editOf);
}

function editOf({ op, path, value }: PatchOperation): LocationEdit {
  const match = POINTER.exec(String(path));
  const place = match?.groups?.['place'];
  if (op === 'add' && place !== undefined) {
    return { kind: 'add', location: toNewLocation(parseBody(NEW_LOCATION, value)) };
  }
  if (op === 'remove' && place !== undefined && place !== '-') {
    return { kind: 'remove', index: Number(place) };
  }
  if (op !== 'remove' && match !== null && place === undefined) {
    return { kind: 'replace', locations: parseBody(LIST, value).map(toNewLocation) };
  }
  throw patchInvalid(
    'A patch adds to "/locations/-", removes a place such as "/locations/0", or replaces "/locations"',
  );
}
