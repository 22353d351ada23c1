import type { EntityManager, EntityTarget, FindOptionsWhere, ObjectLiteral } from 'typeorm';
import type { QueryDeepPartialEntity } from 'typeorm/query-builder/QueryPartialEntity.js';

/**
 * Changes the row that fulfils `where`; `false` where there is none. A change of nothing only asks
 * whether there is one. `undefined` in `change` leaves a column as it is.
 */
export async function conditionalUpdate<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  where: FindOptionsWhere<Row>,
  change: QueryDeepPartialEntity<Row>,
): Promise<boolean> {
  const isEmpty = Object.values(change).every((value) => value === undefined);
  if (isEmpty) return manager.existsBy(entity, where);
  const { affected } = await manager.update(entity, where, change);
  return affected !== undefined && affected > 0;
}
