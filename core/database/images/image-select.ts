import type { EntityManager } from 'typeorm';
import { ImageRow } from '../entities/image-row.js';
import type { Parameters } from '../parameters.js';

/** By the tables' description, which each connection has of its own. */
const selects = new WeakMap<object, string>();

type StoredImage = Omit<ImageRow, 'protected' | 'osHidden'> & {
  readonly protected: number;
  readonly osHidden: number;
};

/**
 * Rows of images by SQL of our own: TypeORM puts its statement together anew for every read, and takes
 * longer to do so and to make rows of the answer than SQLite takes to find it.
 * @param behind what stands behind FROM: conditions and order of the alias `image`, with columns quoted
 */
export async function selectImages(
  manager: EntityManager,
  behind: string,
  parameters: Parameters,
): Promise<readonly ImageRow[]> {
  const { driver } = manager.connection;
  const [sql, values] = driver.escapeQueryWithParameters(
    `${selectOf(manager)} ${behind}`,
    parameters.values,
    {},
  );
  const rows = await manager.query<readonly StoredImage[]>(sql, values);
  return rows.map((row) =>
    Object.assign(row, { protected: row.protected !== 0, osHidden: row.osHidden !== 0 }),
  );
}

/** Every column under the name of its member. */
function selectOf({ connection }: EntityManager): string {
  const metadata = connection.getMetadata(ImageRow);
  const known = selects.get(metadata);
  if (known !== undefined) return known;
  const columns = metadata.columns.map(({ databaseName, propertyName, query }) => {
    const value = query === undefined ? `"image"."${databaseName}"` : `(${query('"image"')})`;
    return `${value} AS "${propertyName}"`;
  });
  const select = `SELECT ${columns.join(', ')} FROM "images" "image"`;
  selects.set(metadata, select);
  return select;
}
