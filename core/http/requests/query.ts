import type { ParsedUrlQuery } from 'node:querystring';
import { InvalidInputError } from '../../base/errors.js';

/** Every value of a query parameter, trimmed, in order. */
export function valuesOf(query: ParsedUrlQuery, name: string): readonly string[] {
  const value = query[name];
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map((item) => item.trim());
}

/** The last value of a query parameter. */
export function valueOf(query: ParsedUrlQuery, name: string): string | undefined {
  return valuesOf(query, name).at(-1);
}

/**
 * A whole number ≥ 0.
 * @throws {InvalidInputError} `QUERY_INVALID`
 */
export function parseCount(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw queryInvalid(`"${name}" must be a whole number, not "${text}"`);
}

/**
 * One of a closed set.
 * @throws {InvalidInputError} `QUERY_INVALID`
 */
export function parseChoice<T extends string>(
  name: string,
  text: string,
  choices: readonly T[],
): T {
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw queryInvalid(`"${name}" must be one of ${choices.join(', ')}, not "${text}"`);
}

/**
 * The size of a page: at most `max`, however much is asked for.
 * @throws {InvalidInputError} `QUERY_INVALID`
 */
export function parseLimit(
  query: ParsedUrlQuery,
  bounds: { readonly usual: number; readonly max: number },
): number {
  const text = valueOf(query, 'limit');
  return text === undefined ? bounds.usual : Math.min(bounds.max, parseCount('limit', text));
}

/**
 * The query of another page of the same list.
 * @param marker id after which that page begins; `undefined` for the first one
 */
export function pageUrl(path: string, query: ParsedUrlQuery, marker: string | undefined): string {
  const params = new URLSearchParams();
  for (const name of Object.keys(query)) {
    if (name === 'marker') continue;
    for (const value of [query[name] ?? []].flat()) params.append(name, value);
  }
  if (marker !== undefined) params.append('marker', marker);
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}

export function queryInvalid(message: string): InvalidInputError {
  return new InvalidInputError({
    code: 'QUERY_INVALID',
    message,
    hint: 'Correct the query of the URL',
  });
}
