import { once } from 'node:events';
import type { Middleware } from 'koa';
import type { ServerMetrics } from '../../telemetry/metrics.js';
import type { HttpState } from '../context.js';

/** The status that is logged where the client went away before an answer. */
const CLIENT_GONE = 499;
const QUIET = new Set(['/healthcheck', '/metrics']);

/** Writes one line, and counts, for each request when its answer is out or its client is gone. */
export function accessLog(metrics: ServerMetrics): Middleware<HttpState> {
  return async (ctx, next) => {
    const { log } = ctx.state;
    const started = performance.now();
    const over = metrics.requestBegan(ctx.method);
    // Resolves too when the connection breaks; the answer itself is written after this middleware.
    const closed = once(ctx.res, 'close');
    void closed.then(() => {
      const status = ctx.res.writableFinished ? ctx.res.statusCode : CLIENT_GONE;
      over({ route: ctx.state.route ?? 'none', status });
      const { caller } = ctx.state;
      log[QUIET.has(ctx.path) ? 'debug' : 'info'](`${ctx.method} ${ctx.path} ${status}`, {
        duration_ms: Math.round(performance.now() - started),
        peer: ctx.req.socket.remoteAddress,
        ...(caller === undefined ? {} : { user_id: caller.userId, project_id: caller.projectId }),
      });
    });
    await next();
  };
}
