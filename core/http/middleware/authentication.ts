import type { Middleware } from 'koa';
import type { Authenticator } from '../../auth/authenticator.js';
import type { HttpState } from '../context.js';

/** Routes for machines that watch the server: they say nothing of images. */
const OPEN_PATHS = new Set(['/healthcheck', '/metrics', '/', '/versions']);

/** Lets in whom the authenticator lets in, and remembers who is calling. */
export function authentication(authenticator: Authenticator): Middleware<HttpState> {
  return async (ctx, next) => {
    const credentials = {
      address: ctx.req.socket.remoteAddress ?? '',
      headers: ctx.headers,
      requestId: ctx.state.requestId,
    };
    if (OPEN_PATHS.has(ctx.path)) authenticator.admit(credentials);
    else ctx.state.caller = authenticator.authenticate(credentials);
    await next();
  };
}
