import type { EntityManager } from 'typeorm';
import type { Image } from '../../image/image.js';
import type { ImageQuery } from '../../image/query.js';
import { ImageRow } from '../entities/image-row.js';
import { markerNotFound } from '../marker.js';
import { Parameters } from '../parameters.js';
import type { Sql } from '../statements.js';
import { filtered, listed, ofVisibility, visibleToCaller } from './image-conditions.js';
import { toImage } from './image-mapper.js';
import { behind, totalOrder } from './image-order.js';
import type { OrderKey } from './image-order.js';

/**
 * One page of images. One statement reads them with their properties and tags, so that each is shown
 * as one commit has left it; a marker takes one more, before.
 *
 * A caller sees public and community images, those of the own project and those shared with it; an
 * admin sees all.
 * @throws {InvalidInputError} `MARKER_NOT_FOUND` unless the marker is an image that the caller sees;
 *   it need not fulfil the filters · `TOO_MANY_FILTERS`
 */
export async function listImages(sql: Sql, query: ImageQuery): Promise<readonly Image[]> {
  const rows = await sql.run(async (manager) => {
    const order = totalOrder(query.sort);
    const marker =
      query.marker === undefined ? undefined : await readMarker(manager, query, query.marker);
    return readPage(manager, query, order, marker);
  });
  return rows.map(toImage);
}

async function readPage(
  manager: EntityManager,
  query: ImageQuery,
  order: readonly OrderKey[],
  marker: ImageRow | undefined,
): Promise<readonly ImageRow[]> {
  const parameters = new Parameters();
  const conditions = [
    listed('listed', parameters),
    visibleToCaller('listed', query, parameters),
    ofVisibility('listed', query, parameters),
    ...filtered('listed', query.filters, parameters),
    ...(marker === undefined ? [] : [behind('listed', order, marker, parameters)]),
  ];
  const page = manager
    .createQueryBuilder(ImageRow, 'listed')
    .select('listed.id')
    .where(conditions.join(' AND '))
    .limit(query.limit);
  // Ids first: properties and tags are then read for the page alone, not for all that was sorted.
  const images = manager
    .createQueryBuilder(ImageRow, 'image')
    .where(`image.id IN (${ordered(page, 'listed', order).getQuery()})`)
    .setParameters(parameters.values);
  return ordered(images, 'image', order).getMany();
}

interface Orderable {
  addOrderBy(sort: string, order: 'ASC' | 'DESC'): this;
}

function ordered<Query extends Orderable>(
  query: Query,
  alias: string,
  order: readonly OrderKey[],
): Query {
  for (const { column, direction } of order) {
    query.addOrderBy(`${alias}.${column}`, direction === 'asc' ? 'ASC' : 'DESC');
  }
  return query;
}

async function readMarker(
  manager: EntityManager,
  query: ImageQuery,
  id: string,
): Promise<ImageRow> {
  const parameters = new Parameters();
  const conditions = [
    `marker.id = ${parameters.add(id)}`,
    listed('marker', parameters),
    visibleToCaller('marker', { ...query, memberStatus: 'all' }, parameters),
  ];
  const marker = await manager
    .createQueryBuilder(ImageRow, 'marker')
    .where(conditions.join(' AND '), parameters.values)
    .getOne();
  if (marker !== null) return marker;
  throw markerNotFound('image', id);
}
