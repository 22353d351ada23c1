import type { EntityManager } from 'typeorm';
import type { Image } from '../../image/image.js';
import type { ImageQuery } from '../../image/query.js';
import { ImageRow } from '../entities/image-row.js';
import { markerNotFound } from '../marker.js';
import { Parameters } from '../parameters.js';
import { selectRows } from '../select-rows.js';
import type { Sql } from '../statements.js';
import { columnOf, tableOf } from '../table.js';
import { any, fulfilling, listed, reachable, refuseTooMany } from './image-conditions.js';
import { findLead } from './image-leads.js';
import { toImage } from './image-mapper.js';

import { behind, totalOrder } from './image-order.js';
import type { OrderKey } from './image-order.js';

/** A marker may be any image that the caller sees, in the list or not. */
const WHOEVER_SEES = { visibility: 'all', memberStatus: 'all' } as const;

/**
 * One page of images. One statement reads them with their properties and tags, so that each is shown
 * as one commit has left it; a marker takes one more, before, and the choice of what leads to the page another.
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
  const ids = await idsOfPage(manager, query, order, marker, parameters);
  const table = tableOf(manager, ImageRow);
  const sorted = order
    .map(({ column, direction }) => `"row".${columnOf(table, column)} ${direction}`)
    .join(', ');
  // Ids first: properties and tags are then read for the page alone, not for all that was sorted.
  return selectRows(
    manager,
    ImageRow,
    `WHERE "row"."id" IN (SELECT "id" FROM (${ids})) ORDER BY ${sorted}`,
    parameters,
  );
}

/**
 * SQL for the ids of the page. Its parts are merged in the order, so that each ends when the page is
 * full: SQLite walks through an index that has the order, or sorts the few that a condition leads to.
 */
async function idsOfPage(
  manager: EntityManager,
  query: ImageQuery,
  order: readonly OrderKey[],
  marker: ImageRow | undefined,
  parameters: Parameters,
): Promise<string> {
  refuseTooMany(query.filters);
  const isCallersOrder = order[0]?.column === 'createdAt';
  const lead = await findLead(manager, query, isCallersOrder);
  const isApart = lead === 'reachable' || (lead === undefined && isCallersOrder);
  const common = [
    listed('listed', parameters),
    ...query.filters.map((filter) =>
      fulfilling('listed', filter, filter === lead ? 'leads' : 'follows', parameters),
    ),
  ];
  const callers = reachable('listed', query, isApart ? 'leads' : 'follows', parameters);
  const ranges = marker === undefined ? ['TRUE'] : behind('listed', order, marker, parameters);
  const parts = (isApart ? callers : [any(callers)]).flatMap((caller) =>
    (lead === undefined ? ranges : [any(ranges)]).map((range) => [...common, caller, range]),
  );
  // SQLite takes no index for the order of an expression, but the one of the condition that leads.
  const walk = lead === undefined ? '' : '+ ';
  const keys = order.map(({ column }) => column);
  const selects = parts.map((conditions) =>
    keys
      .reduce(
        (select, column) => select.addSelect(`${walk}listed.${column}`, column),
        manager.createQueryBuilder(ImageRow, 'listed').select([]),
      )
      .where(conditions.join(' AND '))
      .getQuery(),
  );
  const sorted = order.map(({ column, direction }) => `"${column}" ${direction}`).join(', ');
  return `${selects.join(' UNION ')} ORDER BY ${sorted} LIMIT ${query.limit}`;
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
    any(reachable('marker', { ...query, ...WHOEVER_SEES }, 'follows', parameters)),
  ];
  const visible = manager
    .createQueryBuilder(ImageRow, 'marker')
    .select('marker.id')
    .where(conditions.join(' AND '))
    .getQuery();
  const [marker] = await selectRows(
    manager,
    ImageRow,
    `WHERE "row"."id" IN (${visible})`,
    parameters,
  );
  if (marker !== undefined) return marker;
  throw markerNotFound('image', id);
}
