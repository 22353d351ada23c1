import { COLUMN_ATTRIBUTES } from '../../image/query.js';
import type { ColumnAttribute, Comparison, ImageFilter } from '../../image/query.js';
import { parseCount, queryInvalid } from './query.js';

const NUMBERS: ReadonlySet<ColumnAttribute> = new Set([
  'size',
  'virtual_size',
  'min_disk',
  'min_ram',
]);
const TIMES: ReadonlySet<ColumnAttribute> = new Set(['created_at', 'updated_at']);
/** Attributes that take `in:` (API-35). */
const SETS: ReadonlySet<ColumnAttribute> = new Set([
  'name',
  'id',
  'status',
  'container_format',
  'disk_format',
]);
const COMPARISONS: ReadonlySet<string> = new Set(['eq', 'neq', 'gt', 'gte', 'lt', 'lte']);

/**
 * One filter of a list: an attribute, a bound (`size_min`), or any other property of the image.
 * @throws {InvalidInputError} `QUERY_INVALID`
 */
export function imageFilter(name: string, text: string): ImageFilter {
  const bound = /^(?<attribute>\w+)_(?<end>min|max)$/.exec(name)?.groups;
  const bounded = bound?.['attribute'];
  if (bounded !== undefined && isColumn(bounded) && NUMBERS.has(bounded)) {
    const comparison = bound?.['end'] === 'min' ? 'gte' : 'lte';
    return { kind: 'attribute', name: bounded, comparison, value: parseCount(name, text) };
  }
  if (!isColumn(name)) return { kind: 'property', name, value: text };
  if (TIMES.has(name)) return timeFilter(name, text);
  if (NUMBERS.has(name)) {
    return { kind: 'attribute', name, comparison: 'eq', value: parseCount(name, text) };
  }
  if (SETS.has(name)) return setFilter(name, text);
  return { kind: 'attribute', name, comparison: 'eq', value: text };
}

/** `in:a,b` or `eq:a`; without an operator the value must be equal. */
function setFilter(name: ColumnAttribute, text: string): ImageFilter {
  if (text.startsWith('in:')) {
    return { kind: 'in', name, values: splitQuoted(name, text.slice('in:'.length)) };
  }
  const colon = text.indexOf(':');
  const operator = text.slice(0, Math.max(colon, 0));
  if (!isComparison(operator)) return { kind: 'attribute', name, comparison: 'eq', value: text };
  if (operator !== 'eq') throw queryInvalid(`"${name}" has no operator "${operator}"`);
  return { kind: 'attribute', name, comparison: 'eq', value: text.slice(colon + 1) };
}

/** `gt:2026-01-02T03:04:05Z` (API-36); without an operator the time must be equal. */
function timeFilter(name: ColumnAttribute, text: string): ImageFilter {
  const colon = text.indexOf(':');
  const operator = text.slice(0, Math.max(colon, 0));
  const [comparison, time] = isComparison(operator)
    ? [operator, text.slice(colon + 1)]
    : (['eq', text] as const);
  // Without a zone ISO 8601 means the reader's; times of this API are UTC.
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(time) || !time.includes('T') ? time : `${time}Z`;
  const value = new Date(zoned);
  if (!/^\d{4}-\d\d-\d\d/.test(time) || Number.isNaN(value.getTime())) {
    throw queryInvalid(`"${name}" needs a time such as "gt:2026-01-02T03:04:05Z", not "${text}"`);
  }
  return { kind: 'attribute', name, comparison, value };
}

/** Values between commas; those that hold commas or quotes stand in double quotes. */
function splitQuoted(name: string, text: string): readonly string[] {
  // Spaces have one place in it: with two, a text of spaces would be split in all ways.
  const part = /(?:\s*"((?:[^"\\]|\\.)*)"\s*|([^",]*))(?:,|$)/gy;
  const values: string[] = [];
  while (part.lastIndex < text.length || values.length === 0) {
    const match = part.exec(text);
    if (match === null) throw queryInvalid(`"${name}" has a quote that does not end: "${text}"`);
    const [, quoted, plain = ''] = match;
    values.push(quoted === undefined ? plain.trim() : quoted.replaceAll(/\\(.)/g, '$1'));
  }
  return values.filter((value) => value !== '');
}

function isColumn(name: string): name is ColumnAttribute {
  return COLUMN_ATTRIBUTES.some((known) => known === name);
}

function isComparison(text: string): text is Comparison {
  return COMPARISONS.has(text);
}
