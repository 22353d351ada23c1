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

const NULLABLE: readonly (keyof ImageRow)[] = ['name', 'containerFormat', 'diskFormat', 'size'];

/**
 * The order with `created_at` and `id` as its last keys, so that no two images have the same place.
 * They go the way of the one key that was asked for; behind several the newest come first, as in Glance.
 */
export function totalOrder(
  sort: readonly { readonly key: SortKey; readonly direction: 'asc' | 'desc' }[],
): readonly OrderKey[] {
  const direction = (sort.length === 1 ? sort[0]?.direction : undefined) ?? 'desc';
  const order: OrderKey[] = [];
  for (const { key, direction: own } of [
    ...sort,
    { key: 'created_at', direction } as const,
    { key: 'id', direction } as const,
  ]) {
    const column = COLUMNS[key];
    // A key that was named before decides nothing any more.
    if (!order.some((earlier) => earlier.column === column)) order.push({ column, direction: own });
    if (key === 'id') break;
  }
  return order;
}

/**
 * SQL for the images behind `marker` in the order: the ranges that they are in. SQLite puts NULL
 * before every value, so last where the direction is `desc`. Where an index has the order it can be
 * entered at the start of each range.
 */
export function behind(
  alias: string,
  order: readonly OrderKey[],
  marker: ImageRow,
  parameters: Parameters,
): readonly string[] {
  const [first, ...rest] = order;
  const isOneRun =
    first !== undefined &&
    order.every(({ direction }) => direction === first.direction) &&
    rest.every(({ column }) => !NULLABLE.includes(column));
  if (!isOneRun) return [anyBehind(alias, order, marker, parameters)];
  const column = `${alias}.${first.column}`;
  if (marker[first.column] === null) {
    const among = `${column} IS NULL AND ${tuple(alias, rest, marker, parameters)}`;
    return first.direction === 'asc' ? [among, `${column} IS NOT NULL`] : [among];
  }
  const range = tuple(alias, order, marker, parameters);
  return first.direction === 'desc' && NULLABLE.includes(first.column)
    ? [range, `${column} IS NULL`]
    : [range];
}

/** A comparison of row values, which SQLite looks up in an index over the same columns. */
function tuple(
  alias: string,
  order: readonly OrderKey[],
  marker: ImageRow,
  parameters: Parameters,
): string {
  const columns = order.map(({ column }) => `${alias}.${column}`).join(', ');
  const values = parameters.addList(order.map(({ column }) => marker[column]));
  return `(${columns}) ${order[0]?.direction === 'asc' ? '>' : '<'} ${values}`;
}

function anyBehind(
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
  return `(${alternatives.join(' OR ')})`;
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
  return NULLABLE.includes(name) ? `(${less} OR ${column} IS NULL)` : less;
}

function all(conditions: readonly string[]): string {
  return `(${conditions.join(' AND ')})`;
}
