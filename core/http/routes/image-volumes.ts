import { Router } from '@koa/router';
import { callerOf } from '../context.js';
import type { HttpRouter, HttpState } from '../context.js';
import type { HttpParts } from '../parts.js';
import { presentImageVolume } from '../presenters/image-volume.js';
import { parseBody, readJson } from '../requests/body.js';
import { imageIdOf } from '../requests/ids.js';
import { NEW_VOLUME, toWish } from '../requests/volume-body.js';

const PATH = '/v2/images/:id/volumes';

/** Volumes that are made of an image, for callers other than the block storage service itself. */
export function imageVolumeRoutes({ config, volumes }: HttpParts): HttpRouter {
  const router = new Router<HttpState>();

  router.post(PATH, async (ctx) => {
    const imageId = imageIdOf(ctx);
    const body = parseBody(NEW_VOLUME, await readJson(ctx, config.server.maxJsonSize));
    const { store } = body;
    const volume = await volumes.request(callerOf(ctx), imageId, { store, wish: toWish(body) });
    ctx.status = 202;
    ctx.set('Location', `/v2/images/${imageId}/volumes/${volume.id}`);
    ctx.body = presentImageVolume(volume);
  });

  router.get(PATH, async (ctx) => {
    const list = await volumes.list(callerOf(ctx), imageIdOf(ctx));
    ctx.body = { volumes: list.map(presentImageVolume) };
  });

  router.get(`${PATH}/:volume`, async (ctx) => {
    const { volume = '' } = ctx.params;
    ctx.body = presentImageVolume(await volumes.show(callerOf(ctx), imageIdOf(ctx), volume));
  });
  return router;
}
