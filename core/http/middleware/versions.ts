import type { Middleware } from 'koa';
import { presentVersions } from '../presenters/versions.js';
import { baseUrl } from '../base-url.js';
import type { HttpState } from '../context.js';

/** Minor versions are names of one API: none behaves differently. */
const VERSIONED = /^\/v2\.\d{1,2}(?=\/|$)/;
const OTHER_VERSION = /^\/v\d+(\.\d+)?(\/|$)/;
const ACCEPT_VERSION = /^application\/vnd\.openstack\.images-v2(\.\d{1,2})?\b/i;
const UNVERSIONED_RESOURCES = /^\/(images|tasks|info|schemas)(\/|$)/;

/**
 * Finds the version that a client speaks (API-02): by `Accept`, or by the first segment of the path.
 * A version that there is not is answered with those that there are.
 */
export function versions(publicEndpoint: string | undefined): Middleware<HttpState> {
  return async (ctx, next) => {
    if (ACCEPT_VERSION.test(ctx.get('Accept')) && UNVERSIONED_RESOURCES.test(ctx.path)) {
      ctx.path = `/v2${ctx.path}`;
    }
    ctx.path = ctx.path.replace(VERSIONED, '/v2');
    if (OTHER_VERSION.test(ctx.path) && !ctx.path.startsWith('/v2/') && ctx.path !== '/v2') {
      ctx.status = 300;
      ctx.body = presentVersions(baseUrl(ctx, publicEndpoint));
      return;
    }
    await next();
  };
}
