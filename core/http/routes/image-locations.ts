import { Router } from '@koa/router';
import { callerOf } from '../context.js';
import type { HttpRouter, HttpState } from '../context.js';
import type { HttpParts } from '../parts.js';
import { presentLocation } from '../presenters/location.js';
import { parseBody, readJson } from '../requests/body.js';
import { imageIdOf } from '../requests/ids.js';
import { NEW_LOCATION, toNewLocation } from '../requests/location-body.js';

const PATH = '/v2/images/:id/locations';

/** Registering where bytes are, and being told it, for services (API-66, API-67). */
export function imageLocationRoutes({ config, locations }: HttpParts): HttpRouter {
  const router = new Router<HttpState>();

  router.get(PATH, async (ctx) => {
    const list = await locations.list(callerOf(ctx), imageIdOf(ctx));
    ctx.body = list.map(presentLocation);
  });

  router.post(PATH, async (ctx) => {
    const id = imageIdOf(ctx);
    const body = await readJson(ctx, config.server.maxJsonSize);
    const location = toNewLocation(parseBody(NEW_LOCATION, body));
    const record = await locations.register(callerOf(ctx), id, location);
    ctx.status = 202;
    ctx.set('Location', `/stowage/v1/imports/${record.id}`);
    ctx.body = { url: location.url, metadata: { store: record.stores[0] ?? null } };
  });
  return router;
}
