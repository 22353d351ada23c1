import { Router } from '@koa/router';
import type { HttpRouter, HttpState } from '../context.js';
import type { HttpParts, Lifetime } from '../parts.js';

/** Routes for machines that watch the server. */
export function operationRoutes({ metrics }: HttpParts, lifetime: Lifetime): HttpRouter {
  const router = new Router<HttpState>();

  // A server that stops answers 503, so that a load balancer sends no more to it.
  router.get('/healthcheck', (ctx) => {
    const stopping = lifetime.stopping.aborted;
    ctx.status = stopping ? 503 : 200;
    const reason = stopping ? 'STOPPING' : 'OK';
    ctx.body =
      ctx.accepts('text/plain', 'application/json') === 'application/json'
        ? { detailed: false, reasons: [reason] }
        : reason;
  });

  router.get('/metrics', async (ctx) => {
    ctx.type = metrics.registry.contentType;
    ctx.body = await metrics.registry.metrics();
  });
  return router;
}
