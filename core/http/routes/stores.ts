import { Router } from '@koa/router';
import { ConflictError, NotFoundError } from '../../base/errors.js';
import { callerOf } from '../context.js';
import type { HttpRouter, HttpState } from '../context.js';
import type { HttpParts } from '../parts.js';
import { presentStore, presentStoreDetail } from '../presenters/store.js';
import { assertNoBody } from '../requests/body.js';
import { imageIdOf } from '../requests/ids.js';

/** The stores that there are, and the bytes that one of them holds of an image. */
export function storeRoutes({ catalogue, policy, stores }: HttpParts): HttpRouter {
  const router = new Router<HttpState>();

  router.get('/v2/info/stores', (ctx) => {
    ctx.body = { stores: stores.list().map(presentStore) };
  });

  router.get('/v2/info/stores/detail', (ctx) => {
    policy.require(callerOf(ctx), 'stores_info_detail');
    const outages = new Map(stores.outages().map(({ id, error }) => [id, error]));
    ctx.body = {
      stores: stores
        .list()
        .map((store) =>
          presentStoreDetail(store, stores.properties(store.id), outages.get(store.id)),
        ),
    };
  });

  router.delete('/v2/stores/:store/:id', async (ctx) => {
    assertNoBody(ctx);
    const store = ctx.params['store'] ?? '';
    if (stores.list().length < 2) throw singleStore();
    if (!stores.has(store)) throw unknownStore(store);
    await catalogue.removeFromStore(callerOf(ctx), imageIdOf(ctx), store);
    ctx.status = 204;
  });
  return router;
}

function singleStore(): NotFoundError {
  return new NotFoundError({
    code: 'SINGLE_STORE',
    message: 'There is only one store here, so that no image can be removed from one of several',
    hint: 'Delete the image if it is not wanted any more',
  });
}

/** Glance answers a store that there is not with a conflict (API-17). */
function unknownStore(store: string): ConflictError {
  return new ConflictError({
    code: 'STORE_UNKNOWN',
    message: `Unknown store "${store}"`,
    hint: 'The stores are listed at "/v2/info/stores"',
  });
}
