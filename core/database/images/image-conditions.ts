import { InvalidInputError } from '../../base/errors.js';
import { LISTED_STATUSES } from '../../image/query.js';
import type { ColumnAttribute, Comparison, ImageFilter, ImageQuery } from '../../image/query.js';
import type { Visibility } from '../../image/image.js';
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

/** Columns that an index begins with. */
const INDEXED: readonly ColumnAttribute[] = [
  'id',
  'name',
  'status',
  'visibility',
  'owner',
  'disk_format',
  'size',
  'os_hidden',
  'created_at',
  'updated_at',
];

/**
 * How a condition takes part in a statement: it `leads` where SQLite shall find the images by its
 * index, and `follows` where others have found them. A plus before a column keeps SQLite from its
 * index; it has no figures from which it could choose well.
 */
export type Part = 'leads' | 'follows';

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
  return `${alias}.deletedAt IS NULL AND + ${alias}.status IN ${parameters.addList(LISTED_STATUSES)}`;
}

/**
 * SQL for the images that the list is about and whose existence the caller may know of; of shared
 * ones, as it has answered. They are those that fulfil any of the conditions, each with one index.
 */
export function reachable(
  alias: string,
  query: Pick<ImageQuery, 'isAdmin' | 'projectId' | 'memberStatus' | 'visibility'>,
  part: Part,
  parameters: Parameters,
): readonly string[] {
  const { isAdmin, projectId, visibility } = query;
  const column = sign(part);
  const ofVisibility = (...wanted: readonly Visibility[]): readonly string[] =>
    wanted.map((each) => `${column}${alias}.visibility = ${parameters.add(each)}`);
  if (isAdmin) {
    if (visibility === 'all') return ['TRUE'];
    if (visibility !== undefined) return ofVisibility(visibility);
    const others = `+ ${alias}.visibility <> 'community'`;
    return projectId === null
      ? [others]
      : [any([others, `+ ${alias}.owner = ${parameters.add(projectId)}`])];
  }
  const open: readonly Visibility[] = visibility === 'all' ? ['public', 'community'] : ['public'];
  const openOnes =
    visibility === undefined || visibility === 'all'
      ? ofVisibility(...open)
      : ofVisibility(...(['public', 'community'] as const).filter((each) => each === visibility));
  // An image without an owner is nobody's, also for callers without a project.
  if (projectId === null) return openOnes.length > 0 ? openOnes : ['FALSE'];
  const owner = `${column}${alias}.owner = ${parameters.add(projectId)}`;
  const shared = sharedWith(alias, projectId, query.memberStatus, part, parameters);
  switch (visibility) {
    case 'public':
    case 'community':
      return openOnes;
    case 'private':
      return [`${owner} AND + ${alias}.visibility = 'private'`];
    case 'shared':
      return [`${owner} AND + ${alias}.visibility = 'shared'`, shared];
    case 'all':
    case undefined:
      return [...openOnes, owner, shared];
  }
}

/** SQL for the images that fulfil the filter. */
export function fulfilling(
  alias: string,
  filter: ImageFilter,
  part: Part,
  parameters: Parameters,
): string {
  switch (filter.kind) {
    case 'attribute': {
      const value = filter.value instanceof Date ? filter.value.getTime() : filter.value;
      const operator = OPERATORS[filter.comparison];
      return `${sign(part)}${alias}.${COLUMNS[filter.name]} ${operator} ${parameters.add(value)}`;
    }
    case 'in':
      return `${sign(part)}${alias}.${COLUMNS[filter.name]} IN ${parameters.addList(filter.values)}`;
    case 'property':
    case 'tag':
      return related(alias, relationOf(filter, parameters), part);
  }
}

/** Rows of another table that say which images fulfil the filter. */
export function relationOf(
  filter: Extract<ImageFilter, { kind: 'property' | 'tag' }>,
  parameters: Parameters,
): string {
  return filter.kind === 'tag'
    ? `"image_tags" WHERE "tag" = ${parameters.add(filter.tag)}`
    : `"image_properties" WHERE "name" = ${parameters.add(filter.name)} AND "value" = ${parameters.add(filter.value)}`;
}

/** Whether the images that fulfil the filter can be found by an index. */
export function canLead(filter: ImageFilter): boolean {
  switch (filter.kind) {
    case 'attribute':
      // Nearly all images are not hidden, and nearly every list asks for these.
      if (filter.name === 'os_hidden' && filter.value === false) return false;
      return filter.comparison !== 'neq' && INDEXED.includes(filter.name);
    case 'in':
      return INDEXED.includes(filter.name);
    case 'property':
    case 'tag':
      return true;
  }
}

/** @throws {InvalidInputError} `TOO_MANY_FILTERS` */
export function refuseTooMany(filters: readonly ImageFilter[]): void {
  if (filters.length <= MAX_FILTERS) return;
  throw new InvalidInputError({
    code: 'TOO_MANY_FILTERS',
    message: `Cannot list images by ${filters.length} conditions: at most ${MAX_FILTERS} are possible`,
    hint: 'Leave some of them out',
  });
}

export function any(conditions: readonly string[]): string {
  return `(${conditions.join(' OR ')})`;
}

function sharedWith(
  alias: string,
  projectId: string,
  status: ImageQuery['memberStatus'],
  part: Part,
  parameters: Parameters,
): string {
  const answered = status === 'all' ? '' : ` AND "status" = ${parameters.add(status)}`;
  const members = `"image_members" WHERE "project_id" = ${parameters.add(projectId)}${answered}`;
  return `(+ ${alias}.visibility = 'shared' AND ${related(alias, members, part)})`;
}

/** The rows lead to images, or are looked up for each image. */
function related(alias: string, relation: string, part: Part): string {
  return part === 'leads'
    ? `${alias}.id IN (SELECT "image_id" FROM ${relation})`
    : `EXISTS (SELECT 1 FROM ${relation} AND "image_id" = ${alias}.id)`;
}

function sign(part: Part): string {
  return part === 'leads' ? '' : '+ ';
}
