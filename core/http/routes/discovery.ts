import { Router } from '@koa/router';
import { NotFoundError } from '../../base/errors.js';
import type { JsonObject } from '../../base/json.js';
import { callerOf } from '../context.js';
import type { HttpRouter, HttpState } from '../context.js';
import { requestableDefinitions, requestableMethods } from '../methods.js';
import { openApiDocument } from '../openapi/document.js';
import type { HttpParts } from '../parts.js';
import { schemas } from '../presenters/schema.js';
import { presentUsage } from '../presenters/usage.js';
import { presentVersions } from '../presenters/versions.js';

/** What clients ask before they act: versions, import methods, schemas. */
export function discoveryRoutes({ config, plugins, quotas }: HttpParts): HttpRouter {
  const router = new Router<HttpState>();
  const known = schemas({
    withStores: config.auth.mode !== 'none',
    properties: config.images.properties,
  });

  router.get('/', (ctx) => {
    ctx.status = 300;
    ctx.body = presentVersions(ctx.state.baseUrl);
  });
  router.get('/versions', (ctx) => {
    ctx.body = presentVersions(ctx.state.baseUrl);
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

  router.get('/v2/info/usage', async (ctx) => {
    ctx.body = presentUsage(await quotas.report(callerOf(ctx).projectId));
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

  let document: JsonObject | undefined;
  router.get('/stowage/v1/openapi.json', (ctx) => {
    document ??= openApiDocument(requestableDefinitions(plugins));
    ctx.body = document;
  });
  return router;
}
