import type { ParsedUrlQuery } from 'node:querystring';
import { VISIBILITIES } from '../../image/image.js';
import { MEMBER_STATUSES } from '../../image/member.js';
import type { ImageFilter, ImageQuery } from '../../image/query.js';
import { imageFilter } from './image-filter.js';
import { parseImageSort } from './image-sort.js';
import { parseChoice, parseLimit, queryInvalid, valueOf, valuesOf } from './query.js';

const LIMITS = { usual: 25, max: 1000 };

const BOOLEANS = ['true', 'false'] as const;
export const LISTED_VISIBILITIES = [...VISIBILITIES, 'all'] as const;
export const LISTED_MEMBER_STATUSES = [...MEMBER_STATUSES, 'all'] as const;

/** Parameters that are no filters. */
const CONTROLS: ReadonlySet<string> = new Set([
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'tag',
  'visibility',
  'os_hidden',
  'protected',
  'member_status',
]);

/**
 * The query of `GET /v2/images` (API-30 to API-43).
 * @throws {InvalidInputError} `QUERY_INVALID`
 */
export function parseImageQuery(query: ParsedUrlQuery): Omit<ImageQuery, 'projectId' | 'isAdmin'> {
  if (valueOf(query, 'changes-since') !== undefined) {
    throw queryInvalid('"changes-since" is not a part of version 2');
  }
  const visibility = valueOf(query, 'visibility');
  return {
    visibility:
      visibility === undefined
        ? undefined
        : parseChoice('visibility', visibility, LISTED_VISIBILITIES),
    memberStatus: parseChoice(
      'member_status',
      valueOf(query, 'member_status') ?? 'accepted',
      LISTED_MEMBER_STATUSES,
    ),
    filters: filtersOf(query),
    sort: parseImageSort(query),
    marker: valueOf(query, 'marker')?.toLowerCase(),
    limit: parseLimit(query, LIMITS),
  };
}

function filtersOf(query: ParsedUrlQuery): readonly ImageFilter[] {
  const filters: ImageFilter[] = [
    booleanFilter('os_hidden', valueOf(query, 'os_hidden') ?? 'false'),
  ];
  const isProtected = valueOf(query, 'protected');
  if (isProtected !== undefined) filters.push(booleanFilter('protected', isProtected));
  filters.push(...valuesOf(query, 'tag').map((tag): ImageFilter => ({ kind: 'tag', tag })));
  for (const name of Object.keys(query)) {
    if (CONTROLS.has(name)) continue;
    filters.push(...valuesOf(query, name).map((value) => imageFilter(name, value)));
  }
  return filters;
}

function booleanFilter(name: 'os_hidden' | 'protected', text: string): ImageFilter {
  const value = parseChoice(name, text.toLowerCase(), BOOLEANS) === 'true';
  return { kind: 'attribute', name, comparison: 'eq', value };
}
