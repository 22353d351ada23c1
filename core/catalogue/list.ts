import type { Caller } from '../auth/caller.js';
import type { Policy } from '../auth/policy.js';
import type { Database } from '../engine/ports.js';
import type { Image } from '../image/image.js';
import type { ImageQuery } from '../image/query.js';

/** Images read at once to fill up a page. */
const REFILL = 200;

/**
 * A page of the images that a caller sees. The database knows what visibility allows; a deployer's own
 * rule may allow less, and then the page is filled up from the rows behind it.
 */
export async function listImages(
  { database, policy }: { readonly database: Database; readonly policy: Policy },
  caller: Caller,
  query: Omit<ImageQuery, 'projectId' | 'isAdmin'>,
): Promise<readonly Image[]> {
  policy.require(caller, 'get_images');
  // A property that the caller may not read is on no image for them.
  const isHidden = query.filters.some(
    (filter) => filter.kind === 'property' && !policy.mayOnProperty(caller, 'read', filter.name),
  );
  if (isHidden) return [];
  const { projectId, isAdmin } = caller;
  const images: Image[] = [];
  let { marker, limit } = query;
  for (;;) {
    const rows = await database.read.images({ ...query, projectId, isAdmin, marker, limit });
    for (const image of rows) {
      if (images.length === query.limit) break;
      if (policy.mayOnImage(caller, 'get_image', { image })) images.push(image);
    }
    marker = rows.at(-1)?.id;
    if (images.length === query.limit || rows.length < limit) return images;
    limit = Math.max(limit, REFILL);
  }
}
