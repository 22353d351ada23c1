import { InvalidInputError } from '../../base/errors.js';
import type { ByteRange } from '../../plugin/contract/store.js';

/**
 * The one range that a download asks for (API-51): `Range: bytes=a-b`, `a-`, `-n` (RFC 9110, 14.1.2),
 * or the request header `Content-Range: bytes a-b/*` of old clients. `undefined`: the whole.
 * @param size bytes of the whole
 * @throws {InvalidInputError} `RANGE_NOT_SATISFIABLE`; `RANGES_UNSUPPORTED` for several
 */
export function parseRange(
  headers: { readonly range: string; readonly contentRange: string; readonly ifRange: string },
  size: number,
): ByteRange | undefined {
  // There are no validators here that it could match: the condition fails (RFC 9110, 13.1.5).
  if (headers.ifRange !== '') return undefined;
  if (headers.range !== '') return parseRangeHeader(headers.range, size);
  if (headers.contentRange !== '') {
    const match = /^bytes\s+(\d{1,15})-(\d{1,15})\/(?:\d+|\*)$/i.exec(headers.contentRange.trim());
    if (match === null) throw notSatisfiable(headers.contentRange, size);
    return checked(Number(match[1]), Number(match[2]), headers.contentRange, size);
  }
  return undefined;
}

function parseRangeHeader(text: string, size: number): ByteRange {
  if (text.includes(',')) {
    throw new InvalidInputError({
      code: 'RANGES_UNSUPPORTED',
      message: `"${text}" asks for several ranges`,
      hint: 'Ask for one range in each request',
    });
  }
  const match = /^bytes=\s*(?:(\d{1,15})\s*)?-\s*(?:(\d{1,15})\s*)?$/i.exec(text.trim());
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') throw notSatisfiable(text, size);
  if (first === '') {
    const suffix = Number(last);
    if (suffix === 0) throw notSatisfiable(text, size);
    return checked(Math.max(0, size - suffix), size - 1, text, size);
  }
  return checked(Number(first), last === '' ? size - 1 : Number(last), text, size);
}

function checked(first: number, last: number, text: string, size: number): ByteRange {
  if (first >= size || last < first) throw notSatisfiable(text, size);
  return { start: first, end: Math.min(last, size - 1) + 1 };
}

function notSatisfiable(text: string, size: number): InvalidInputError {
  return new InvalidInputError({
    code: 'RANGE_NOT_SATISFIABLE',
    message: `The range "${text}" does not lie in the ${size} bytes of the image`,
    hint: 'Ask for a range such as "bytes=0-1023"',
  });
}
