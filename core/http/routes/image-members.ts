import { Router } from '@koa/router';
import { callerOf } from '../context.js';
import type { HttpRouter, HttpState } from '../context.js';
import type { HttpParts } from '../parts.js';
import { presentMember } from '../presenters/member.js';
import { assertNoBody, parseBody, readJson } from '../requests/body.js';
import { imageIdOf } from '../requests/ids.js';
import { MEMBER_ANSWER, NEW_MEMBER } from '../requests/member-body.js';

const PATH = '/v2/images/:id/members';

/** Whom images are shared with (API-60 to API-63). */
export function imageMemberRoutes({ config, members }: HttpParts): HttpRouter {
  const { maxJsonSize } = config.server;
  const router = new Router<HttpState>();

  router.get(PATH, async (ctx) => {
    const list = await members.list(callerOf(ctx), imageIdOf(ctx));
    ctx.body = { members: list.map(presentMember), schema: '/v2/schemas/members' };
  });

  router.post(PATH, async (ctx) => {
    const id = imageIdOf(ctx);
    const { member } = parseBody(NEW_MEMBER, await readJson(ctx, maxJsonSize));
    ctx.body = presentMember(await members.add(callerOf(ctx), id, member));
  });

  router.get(`${PATH}/:member`, async (ctx) => {
    const project = ctx.params['member'] ?? '';
    ctx.body = presentMember(await members.show(callerOf(ctx), imageIdOf(ctx), project));
  });

  router.put(`${PATH}/:member`, async (ctx) => {
    const id = imageIdOf(ctx);
    const project = ctx.params['member'] ?? '';
    const { status } = parseBody(MEMBER_ANSWER, await readJson(ctx, maxJsonSize));
    ctx.body = presentMember(await members.answer(callerOf(ctx), id, project, status));
  });

  router.delete(`${PATH}/:member`, async (ctx) => {
    assertNoBody(ctx);
    await members.remove(callerOf(ctx), imageIdOf(ctx), ctx.params['member'] ?? '');
    ctx.status = 204;
  });
  return router;
}
