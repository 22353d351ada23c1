import type { Middleware } from 'koa';
import { isServedMinor, presentVersions } from '../presenters/versions.js';
import type { HttpState } from '../context.js';

/** Minor versions are names of one API: none behaves differently. */
const VERSIONED = /^\/v2\.(\d{1,4})(?=\/|$)/;
const OTHER_VERSION = /^\/v(?!2(?:\/|$))\d+(?:\.\d+)?(?:\/|$)/;
const ACCEPT_VERSION = /^application\/vnd\.openstack\.images-v2(\.\d{1,2})?\b/i;
const UNVERSIONED_RESOURCES = /^\/(images|tasks|info|schemas)(\/|$)/;

/**
 * Finds the version that a client speaks (API-02): by `Accept`, or by the first segment of the path.
 * A version that there is not is answered with those that there are, to everybody: it is how clients
 * find out before they sign in.
 */
export function versions(): Middleware<HttpState> {
  return async (ctx, next) => {
    if (ACCEPT_VERSION.test(ctx.get('Accept')) && UNVERSIONED_RESOURCES.test(ctx.path)) {
      ctx.path = `/v2${ctx.path}`;
    }
    const minor = VERSIONED.exec(ctx.path)?.[1];
    if (minor !== undefined && isServedMinor(Number(minor))) {
      ctx.path = ctx.path.replace(VERSIONED, '/v2');
    }
    if (OTHER_VERSION.test(ctx.path)) {
      ctx.status = 300;
      ctx.body = presentVersions(ctx.state.baseUrl);
      return;
    }
    if (ctx.path === '/v2') {
      ctx.redirect(`${ctx.state.baseUrl}/v2/`);
      ctx.body = '';
      return;
    }
    await next();
  };
}
