import type { EntityManager } from 'typeorm';
import type { ImageFilter, ImageQuery } from '../../image/query.js';
import { ImageRow } from '../entities/image-row.js';
import { Parameters } from '../parameters.js';
import { canLead, fulfilling, reachable, relationOf } from './image-conditions.js';

/** So many images are read and sorted as quickly as a page is found by walking through an order. */
const FEW = 1_000;

/** Looking is cheap, but not for as many filters as a stranger can send. */
const MAX_LOOKS = 8;

/** What finds the images of a list with few steps, if anything does. */
export type Lead = ImageFilter | 'reachable';

/**
 * The first condition of the query that few images fulfil. SQLite keeps no figures of values, so
 * they are counted, up to a bound. Another commit may change what is few: then the page takes longer.
 * @param isCallersOrder the images that the caller can reach are indexed in the order of the list
 */
export async function findLead(
  manager: EntityManager,
  query: ImageQuery,
  isCallersOrder: boolean,
): Promise<Lead | undefined> {
  const filters = query.filters.filter(canLead).slice(0, MAX_LOOKS);
  const leads: Lead[] = query.isAdmin || isCallersOrder ? filters : [...filters, 'reachable'];
  if (leads.length === 0) return undefined;
  const parameters = new Parameters();
  const counts = leads.map((lead) =>
    lead === 'reachable'
      ? reachable('few', query, 'leads', parameters)
          .map((condition) => count(imagesWith(manager, condition)))
          .join(' + ')
      : count(
          lead.kind === 'property' || lead.kind === 'tag'
            ? `SELECT 1 FROM ${relationOf(lead, parameters)}`
            : imagesWith(manager, fulfilling('few', lead, 'leads', parameters)),
        ),
  );
  const columns = counts.map((sum, index) => `${sum} AS "${index}"`).join(', ');
  const [sql, values] = manager.connection.driver.escapeQueryWithParameters(
    `SELECT ${columns}`,
    parameters.values,
    {},
  );
  const [found] = await manager.query<readonly Record<string, number>[]>(sql, values);
  return leads.find((_, index) => (found?.[index] ?? Infinity) <= FEW);
}

function imagesWith(manager: EntityManager, condition: string): string {
  return manager
    .createQueryBuilder(ImageRow, 'few')
    .select('1')
    .where(`few.deletedAt IS NULL AND ${condition}`)
    .getQuery();
}

/** Counts no further than one more than few. */
function count(rows: string): string {
  return `(SELECT COUNT(*) FROM (${rows} LIMIT ${FEW + 1}))`;
}
