import { Router } from '@koa/router';
import { callerOf } from '../context.js';
import type { HttpRouter, HttpState } from '../context.js';
import type { Caller } from '../../auth/caller.js';
import { imageFacts } from '../image-facts.js';
import type { ShownFacts } from '../image-facts.js';
import { requestableMethods } from '../methods.js';
import type { HttpParts } from '../parts.js';
import { NO_FACTS, presentImage } from '../presenters/image.js';
import type { PresentedImage } from '../presenters/image.js';
import { assertNoBody, mediaType, readJson } from '../requests/body.js';
import { imageIdOf } from '../requests/ids.js';
import { parseNewImage } from '../requests/image-body.js';
import { parseImagePatch } from '../requests/image-patch.js';
import { parseImageQuery } from '../requests/image-query.js';
import { PATCH_TYPES, PATCH_V20 } from '../requests/json-patch.js';
import { parseLocationPatch } from '../requests/location-patch.js';
import { pageUrl } from '../requests/query.js';
import type { Image } from '../../image/image.js';

const PATH = '/v2/images';

/** Records of images: create, list, show, update, delete, tags, deactivate and reactivate. */
export function imageRoutes(parts: HttpParts): HttpRouter {
  const { catalogue, config, database, locations, policy, stores, plugins } = parts;
  const { maxJsonSize } = config.server;
  const storeIds = stores.list().map(({ id }) => id);
  // What stands behind the last slash is an id: an empty one is no image, not the list.
  const router = new Router<HttpState>({ strict: true });

  const shownTo = (caller: Caller): ShownFacts => {
    const mayLocate = (image: Image): boolean =>
      policy.mayOnImage(caller, 'get_image_location', { image });
    return {
      stores: storeIds.length > 1,
      storeIds,
      locations: (image) => config.images.showLocations && mayLocate(image),
      directUrl: (image) => config.images.showDirectUrl && mayLocate(image),
    };
  };
  const presentAll = async (
    caller: Caller,
    images: readonly Image[],
  ): Promise<readonly PresentedImage[]> => {
    const facts = await imageFacts(database.read, images, shownTo(caller));
    const shows = (name: string): boolean => policy.mayOnProperty(caller, 'read', name);
    return images.map((image, index) => presentImage(image, facts[index] ?? NO_FACTS, shows));
  };
  const present = async (caller: Caller, image: Image): Promise<PresentedImage | undefined> =>
    (await presentAll(caller, [image]))[0];

  router.post(PATH, async (ctx) => {
    const request = parseNewImage(await readJson(ctx, maxJsonSize));
    const image = await catalogue.create(callerOf(ctx), request);
    ctx.status = 201;
    ctx.set('Location', `${ctx.state.baseUrl}${PATH}/${image.id}`);
    ctx.set('OpenStack-image-import-methods', requestableMethods(plugins).join(','));
    ctx.set('OpenStack-image-store-ids', storeIds.join(','));
    ctx.body = await present(callerOf(ctx), image);
  });

  router.get(PATH, async (ctx) => {
    const query = parseImageQuery(ctx.query);
    const images = await catalogue.list(callerOf(ctx), query);
    const last = images.at(-1);
    const full = last !== undefined && images.length === query.limit;
    ctx.body = {
      images: await presentAll(callerOf(ctx), images),
      first: pageUrl(PATH, ctx.query, undefined),
      ...(full ? { next: pageUrl(PATH, ctx.query, last.id) } : {}),
      schema: '/v2/schemas/images',
    };
  });

  router.get(`${PATH}/:id`, async (ctx) => {
    ctx.body = await present(callerOf(ctx), await catalogue.show(callerOf(ctx), imageIdOf(ctx)));
  });

  router.patch(`${PATH}/:id`, async (ctx) => {
    const id = imageIdOf(ctx);
    // Set before it is known whether it is needed: errors keep the headers of the answer.
    if (!PATCH_TYPES.some((type) => type === mediaType(ctx))) {
      ctx.set('Accept-Patch', PATCH_TYPES.join(', '));
    }
    const body = await readJson(ctx, maxJsonSize, PATCH_TYPES);
    const draft = mediaType(ctx) === PATCH_V20 ? 4 : 10;
    const caller = callerOf(ctx);
    const places = config.images.changeLocations ? parseLocationPatch(body, draft) : undefined;
    if (places === undefined) {
      const edits = parseImagePatch(body, draft);
      ctx.body = await present(caller, await catalogue.update(caller, id, edits));
      return;
    }
    const gone = new AbortController();
    ctx.res.once('close', () => {
      gone.abort();
    });
    await locations.change(caller, id, places, gone.signal);
    ctx.body = await present(caller, await catalogue.show(caller, id));
  });

  router.delete(`${PATH}/:id`, async (ctx) => {
    assertNoBody(ctx);
    await catalogue.remove(callerOf(ctx), imageIdOf(ctx));
    ctx.status = 204;
  });

  router.put(`${PATH}/:id/tags/:tag`, async (ctx) => {
    assertNoBody(ctx);
    await catalogue.addTag(callerOf(ctx), imageIdOf(ctx), ctx.params['tag'] ?? '');
    ctx.status = 204;
  });

  router.delete(`${PATH}/:id/tags/:tag`, async (ctx) => {
    assertNoBody(ctx);
    await catalogue.removeTag(callerOf(ctx), imageIdOf(ctx), ctx.params['tag'] ?? '');
    ctx.status = 204;
  });

  for (const [action, status] of [
    ['deactivate', 'deactivated'],
    ['reactivate', 'active'],
  ] as const) {
    router.post(`${PATH}/:id/actions/${action}`, async (ctx) => {
      assertNoBody(ctx);
      await catalogue.setActive(callerOf(ctx), imageIdOf(ctx), status);
      ctx.status = 204;
    });
  }
  return router;
}
