import { InvalidInputError } from '../../core/api.js';
import type { Stores } from '../../core/api.js';

export const DRIVER = 'cinder';

/**
 * The store that is named, or the first that keeps volumes.
 * @throws {InvalidInputError} `STORE_UNKNOWN`
 */
export function cinderStore(all: Stores, wanted: string | undefined): string {
  const stores = all.list().filter(({ driver }) => driver === DRIVER);
  const store = stores.find(({ id }) => id === (wanted ?? id));
  if (store !== undefined) return store.id;
  throw new InvalidInputError({
    code: 'STORE_UNKNOWN',
    message:
      wanted === undefined ? 'No store here keeps volumes' : `Store "${wanted}" keeps no volumes`,
    hint:
      stores.length === 0
        ? `The operator can add a store with the driver "${DRIVER}"`
        : `The stores that keep volumes are: ${stores.map(({ id }) => id).join(', ')}`,
  });
}
