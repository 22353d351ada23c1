import type { Middleware } from 'koa';
import type { Authenticator } from '../../auth/authenticator.js';
import type { Policy } from '../../auth/policy.js';
import type { HttpState } from '../context.js';
import { OPERATIONS } from '../openapi/document.js';

/** Routes that say nothing of images: for machines that watch the server, and to find out what it is. */
const OPEN_PATHS = new Set(
  OPERATIONS.filter(({ isOpen }) => isOpen === true).map(({ path }) => path),
);

/** Lets in whom the authenticator lets in, and remembers who is calling. */
export function authentication(
  authenticator: Authenticator,
  policy: Pick<Policy, 'isAdmin'>,
): Middleware<HttpState> {
  return async (ctx, next) => {
    const credentials = {
      address: ctx.req.socket.remoteAddress ?? '',
      headers: ctx.headers,
    };
    if (OPEN_PATHS.has(ctx.path)) {
      authenticator.admit(credentials);
    } else {
      const identity = await authenticator.authenticate(credentials);
      const { requestId } = ctx.state;
      ctx.state.caller = { ...identity, isAdmin: policy.isAdmin(identity), requestId };
    }
    await next();
  };
}
