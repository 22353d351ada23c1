import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';
import type { Logger } from '../../telemetry/logger.js';
import type { HttpState } from '../context.js';

const GLOBAL_REQUEST_ID = /^req-[0-9a-f-]{36}$/i;

/**
 * Names every request. The id that a client sends (`X-Openstack-Request-Id`) is that of its own
 * larger work: it is logged beside ours, never taken over.
 */
export function requestId(log: Logger): Middleware<HttpState> {
  return async (ctx, next) => {
    const id = `req-${randomUUID()}`;
    ctx.state.requestId = id;
    const global = ctx.get('X-Openstack-Request-Id');
    ctx.state.log = log.child({
      request_id: id,
      ...(GLOBAL_REQUEST_ID.test(global) ? { global_request_id: global } : {}),
    });
    ctx.set('X-Openstack-Request-Id', id);
    await next();
  };
}
