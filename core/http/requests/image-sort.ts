import type { ParsedUrlQuery } from 'node:querystring';
import { SORT_KEYS } from '../../image/query.js';
import type { ImageQuery } from '../../image/query.js';
import { parseChoice, queryInvalid, valueOf, valuesOf } from './query.js';

type Sort = ImageQuery['sort'];

const DIRECTIONS = ['asc', 'desc'] as const;

/**
 * Both ways to sort a list: `sort=name:asc,size` (API-31) and repeated `sort_key`, `sort_dir`
 * (API-32). Without either: the newest first.
 * @throws {InvalidInputError} `QUERY_INVALID`
 */
export function parseImageSort(query: ParsedUrlQuery): Sort {
  const combined = valueOf(query, 'sort');
  const keys = valuesOf(query, 'sort_key');
  const directions = valuesOf(query, 'sort_dir');
  if (combined === undefined) return classic(keys, directions);
  if (keys.length > 0 || directions.length > 0) {
    throw queryInvalid('"sort" cannot be combined with "sort_key" or "sort_dir"');
  }
  return combined.split(',').map((part) => {
    const [key = '', direction = 'desc'] = part.trim().split(':');
    return {
      key: parseChoice('sort', key.trim(), SORT_KEYS),
      direction: parseChoice('sort', direction.trim() || 'desc', DIRECTIONS),
    };
  });
}

function classic(keys: readonly string[], directions: readonly string[]): Sort {
  const sortKeys = keys.length === 0 ? ['created_at'] : keys;
  if (directions.length > 1 && directions.length !== sortKeys.length) {
    throw queryInvalid('Give one "sort_dir" for all keys or one for each "sort_key"');
  }
  return sortKeys.map((key, index) => ({
    key: parseChoice('sort_key', key, SORT_KEYS),
    direction: parseChoice('sort_dir', directions[index] ?? directions[0] ?? 'desc', DIRECTIONS),
  }));
}
