import type { ParameterizedContext } from 'koa';
import type { Router } from '@koa/router';
import type { Caller } from '../auth/caller.js';
import type { Logger } from '../telemetry/logger.js';

/** What the middleware has established about a request. */
export interface HttpState {
  /** `req-<uuid>`, answered as `X-Openstack-Request-Id`. */
  requestId: string;
  log: Logger;
  /** URL under which this client reaches the server, without a trailing slash. */
  baseUrl: string;
  /** Absent on the few routes that need no identity. */
  caller?: Caller;
  /** Pattern of the route, for metrics. */
  route?: string;
}

export type HttpContext = ParameterizedContext<HttpState>;
export type HttpRouter = Router<HttpState>;

/** Who is calling; only for routes behind authentication. */
export function callerOf(ctx: { readonly state: HttpState }): Caller {
  const { caller } = ctx.state;
  if (caller === undefined) throw new Error('The route is not behind authentication');
  return caller;
}
