import { InvalidInputError } from '../../base/errors.js';
import { LISTED_STATUSES } from '../../image/query.js';
import type { ColumnAttribute, Comparison, ImageFilter, ImageQuery } from '../../image/query.js';
import type { ImageRow } from '../entities/image-row.js';
import type { Parameters } from '../parameters.js';

/** SQLite refuses expressions that are deeper than 1000; a chain of AND is as deep as it is long. */
const MAX_FILTERS = 200;

const COLUMNS: Readonly<Record<ColumnAttribute, keyof ImageRow>> = {
  id: 'id',
  name: 'name',
  status: 'status',
  visibility: 'visibility',
  owner: 'owner',
  disk_format: 'diskFormat',
  container_format: 'containerFormat',
  size: 'size',
  virtual_size: 'virtualSize',
  checksum: 'checksum',
  os_hash_algo: 'osHashAlgo',
  os_hash_value: 'osHashValue',
  min_disk: 'minDisk',
  min_ram: 'minRam',
  protected: 'protected',
  os_hidden: 'osHidden',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
};

/** `IS` and `IS NOT`: what has no value is not equal to any. */
const OPERATORS: Readonly<Record<Comparison, string>> = {
  eq: 'IS',
  neq: 'IS NOT',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
};

/** SQL for the images that a list may contain at all, whoever asks. */
export function listed(alias: string, parameters: Parameters): string {
  // `IS NULL` as written in the partial indices, so that SQLite may use them.
  return `${alias}.deletedAt IS NULL AND ${alias}.status IN ${parameters.addList(LISTED_STATUSES)}`;
}

/** SQL for the images whose existence the caller may know of; of shared ones, as it has answered. */
export function visibleToCaller(
  alias: string,
  { isAdmin, projectId, memberStatus }: Pick<ImageQuery, 'isAdmin' | 'projectId' | 'memberStatus'>,
  parameters: Parameters,
): string {
  if (isAdmin) return 'TRUE';
  return any([
    `${alias}.visibility IN ('public', 'community')`,
    owned(alias, projectId, parameters),
    sharedWith(alias, projectId, memberStatus, parameters),
  ]);
}

/** SQL for the part of those images that the list is about. */
export function ofVisibility(
  alias: string,
  { visibility, projectId }: Pick<ImageQuery, 'visibility' | 'projectId'>,
  parameters: Parameters,
): string {
  if (visibility === 'all') return 'TRUE';
  if (visibility !== undefined) return `${alias}.visibility = ${parameters.add(visibility)}`;
  return `(${alias}.visibility <> 'community' OR ${owned(alias, projectId, parameters)})`;
}

/** @throws {InvalidInputError} `TOO_MANY_FILTERS` */
export function filtered(
  alias: string,
  filters: readonly ImageFilter[],
  parameters: Parameters,
): readonly string[] {
  if (filters.length > MAX_FILTERS) {
    throw new InvalidInputError({
      code: 'TOO_MANY_FILTERS',
      message: `Cannot list images by ${filters.length} conditions: at most ${MAX_FILTERS} are possible`,
      hint: 'Leave some of them out',
    });
  }
  return filters.map((filter) => condition(alias, filter, parameters));
}

function condition(alias: string, filter: ImageFilter, parameters: Parameters): string {
  switch (filter.kind) {
    case 'attribute': {
      const value = filter.value instanceof Date ? filter.value.getTime() : filter.value;
      const operator = OPERATORS[filter.comparison];
      return `${alias}.${COLUMNS[filter.name]} ${operator} ${parameters.add(value)}`;
    }
    case 'in':
      return `${alias}.${COLUMNS[filter.name]} IN ${parameters.addList(filter.values)}`;
    case 'property':
      return `${alias}.id IN (SELECT "image_id" FROM "image_properties" WHERE "name" = ${parameters.add(filter.name)} AND "value" = ${parameters.add(filter.value)})`;
    case 'tag':
      return `${alias}.id IN (SELECT "image_id" FROM "image_tags" WHERE "tag" = ${parameters.add(filter.tag)})`;
  }
}

/** An image without an owner is nobody's, also for callers without a project. */
function owned(alias: string, projectId: string | null, parameters: Parameters): string {
  return projectId === null ? 'FALSE' : `${alias}.owner = ${parameters.add(projectId)}`;
}

function sharedWith(
  alias: string,
  projectId: string | null,
  status: ImageQuery['memberStatus'],
  parameters: Parameters,
): string {
  if (projectId === null) return 'FALSE';
  const answered = status === 'all' ? '' : ` AND "status" = ${parameters.add(status)}`;
  return `(${alias}.visibility = 'shared' AND ${alias}.id IN (SELECT "image_id" FROM "image_members" WHERE "project_id" = ${parameters.add(projectId)}${answered}))`;
}

function any(conditions: readonly string[]): string {
  return `(${conditions.join(' OR ')})`;
}
