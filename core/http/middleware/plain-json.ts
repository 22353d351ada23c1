import type { Middleware } from 'koa';
import type { HttpState } from '../context.js';

/** JSON is UTF-8 and has no parameter that says so (RFC 8259, 11); some clients compare the type. */
export function plainJson(): Middleware<HttpState> {
  return async (ctx, next) => {
    await next();
    if (ctx.response.type === 'application/json') ctx.set('Content-Type', 'application/json');
  };
}
