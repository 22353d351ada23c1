import { Router } from '@koa/router';
import { assertAdmin } from '../../auth/policy.js';
import { NotFoundError } from '../../base/errors.js';
import type { JsonObject } from '../../base/json.js';
import type { StoreInfo } from '../../plugin/contract/services.js';
import { baseUrl } from '../base-url.js';
import { callerOf } from '../context.js';
import type { HttpRouter, HttpState } from '../context.js';
import { requestableMethods } from '../methods.js';
import type { HttpParts } from '../parts.js';
import { schemas } from '../presenters/schema.js';
import { presentVersions } from '../presenters/versions.js';

/** What clients ask before they act: versions, import methods, stores, schemas. */
export function discoveryRoutes({ config, plugins, stores }: HttpParts): HttpRouter {
  const router = new Router<HttpState>();
  const { publicEndpoint } = config.server;
  const known = schemas({ withStores: config.auth.mode !== 'none' });

  router.get('/', (ctx) => {
    ctx.status = 300;
    ctx.body = presentVersions(baseUrl(ctx, publicEndpoint));
  });
  router.get('/versions', (ctx) => {
    ctx.body = presentVersions(baseUrl(ctx, publicEndpoint));
  });

  router.get('/v2/info/import', (ctx) => {
    ctx.body = {
      'import-methods': {
        description: 'Import methods available.',
        type: 'array',
        value: requestableMethods(plugins),
      },
    };
  });

  router.get('/v2/info/stores', (ctx) => {
    ctx.body = { stores: stores.list().map(presentStore) };
  });
  router.get('/v2/info/stores/detail', (ctx) => {
    assertAdmin(callerOf(ctx));
    ctx.body = {
      stores: stores.list().map((store) => ({
        ...presentStore(store),
        type: store.driver,
        weight: 0,
        properties: {},
      })),
    };
  });

  router.get('/v2/schemas/:name', (ctx) => {
    const name = ctx.params['name'] ?? '';
    const schema = known.get(name);
    if (schema === undefined) {
      throw new NotFoundError({
        code: 'SCHEMA_NOT_FOUND',
        message: `There is no schema "${name}"`,
        hint: `There are: ${[...known.keys()].join(', ')}`,
      });
    }
    ctx.body = schema;
  });
  return router;
}

/** Booleans are texts here, and there only when true (API-76). */
function presentStore(store: StoreInfo): JsonObject {
  return {
    id: store.id,
    ...(store.description === '' ? {} : { description: store.description }),
    ...(store.isDefault ? { default: 'true' } : {}),
    ...(store.readOnly ? { 'read-only': 'true' } : {}),
  };
}
