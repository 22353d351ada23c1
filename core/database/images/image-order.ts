import type { SortKey } from '../../image/query.js';
import type { ImageRow } from '../entities/image-row.js';
import type { Parameters } from '../parameters.js';

export interface OrderKey {
  readonly column: keyof ImageRow;
  readonly direction: 'asc' | 'desc';
}

const COLUMNS: Readonly<Record<SortKey, keyof ImageRow>> = {
  name: 'name',
  status: 'status',
  container_format: 'containerFormat',
  disk_format: 'diskFormat',
  size: 'size',
  id: 'id',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
};

const NOT_NULL: readonly string[] = ['id', 'status', 'createdAt', 'updatedAt'];

/** The order with `id` as its last key, so that no two images have the same place. */
export function totalOrder(
  sort: readonly { readonly key: SortKey; readonly direction: 'asc' | 'desc' }[],
): readonly OrderKey[] {
  const order: OrderKey[] = [];
  for (const { key, direction } of sort) {
    const column = COLUMNS[key];
    // A key that was named before decides nothing any more.
    if (!order.some((earlier) => earlier.column === column)) order.push({ column, direction });
    if (key === 'id') return order;
  }
  return [...order, { column: 'id', direction: order.at(-1)?.direction ?? 'desc' }];
}

/**
 * SQL that holds for the images behind `marker` in the order. SQLite puts NULL before every value,
 * so last where the direction is `desc`.
 */
export function behind(
  alias: string,
  order: readonly OrderKey[],
  marker: ImageRow,
  parameters: Parameters,
): string {
  const alternatives: string[] = [];
  const equal: string[] = [];
  for (const key of order) {
    const column = `${alias}.${key.column}`;
    const value = marker[key.column];
    const after = afterValue(column, key, value, parameters);
    if (after !== undefined) alternatives.push(all([...equal, after]));
    equal.push(`${column} IS ${parameters.add(value)}`);
  }
  const condition = `(${alternatives.join(' OR ')})`;
  const bound = indexBound(alias, order[0], marker, parameters);
  return bound === undefined ? condition : `${bound} AND ${condition}`;
}

/** `undefined` where nothing can come after the value. */
function afterValue(
  column: string,
  { column: name, direction }: OrderKey,
  value: unknown,
  parameters: Parameters,
): string | undefined {
  if (direction === 'asc') {
    return value === null ? `${column} IS NOT NULL` : `${column} > ${parameters.add(value)}`;
  }
  if (value === null) return undefined;
  const less = `${column} < ${parameters.add(value)}`;
  return NOT_NULL.includes(name) ? less : `(${less} OR ${column} IS NULL)`;
}

/** Follows from the rest; lets SQLite begin in the middle of an index. */
function indexBound(
  alias: string,
  first: OrderKey | undefined,
  marker: ImageRow,
  parameters: Parameters,
): string | undefined {
  if (first === undefined || !NOT_NULL.includes(first.column)) return undefined;
  const comparison = first.direction === 'asc' ? '>=' : '<=';
  return `${alias}.${first.column} ${comparison} ${parameters.add(marker[first.column])}`;
}

function all(conditions: readonly string[]): string {
  return `(${conditions.join(' AND ')})`;
}
