import type { Middleware } from 'koa';
import { parseNetworks } from '../../auth/address.js';
import type { HttpState } from '../context.js';

/** A host with an optional port, as a URL may have it (RFC 3986, 3.2.2). */
const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
const PREFIX = /^(?:\/[A-Za-z0-9._~-]{1,64}){1,8}$/;

/**
 * Finds the URL under which clients know the server: the configured one, else what a trusted proxy
 * says in `X-Forwarded-Proto`, `-Host` and `-Prefix`, else the request's own. Where the client sits
 * is never taken from such headers.
 */
export function forwarded(options: {
  readonly publicEndpoint: string | undefined;
  readonly trustedProxies: readonly string[];
}): Middleware<HttpState> {
  const trusted = parseNetworks(options.trustedProxies);
  return async (ctx, next) => {
    const believed = trusted.has(ctx.req.socket.remoteAddress ?? '');
    // The first value is that of the outermost proxy, the one that the client has spoken to.
    const said = (name: string, pattern: RegExp): string | undefined => {
      const value = believed ? (ctx.get(name).split(',')[0] ?? '').trim() : '';
      return pattern.test(value) ? value : undefined;
    };
    const scheme = said('X-Forwarded-Proto', /^https?$/) ?? ctx.protocol;
    const host = said('X-Forwarded-Host', HOST) ?? ctx.host;
    const prefix = said('X-Forwarded-Prefix', PREFIX) ?? '';
    ctx.state.baseUrl = options.publicEndpoint ?? `${scheme}://${host}${prefix}`;
    await next();
  };
}
