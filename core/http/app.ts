import Koa from 'koa';
import { Router } from '@koa/router';
import { systemCode } from '../base/errors.js';
import type { HttpState } from './context.js';
import { accessLog } from './middleware/access-log.js';
import { authentication } from './middleware/authentication.js';
import { cors } from './middleware/cors.js';
import { errors } from './middleware/errors.js';
import { forwarded } from './middleware/forwarded.js';
import { plainJson } from './middleware/plain-json.js';
import { requestId } from './middleware/request-id.js';
import { versions } from './middleware/versions.js';
import type { HttpParts, Lifetime } from './parts.js';
import { discoveryRoutes } from './routes/discovery.js';
import { imageDataRoutes } from './routes/image-data.js';
import { imageImportRoutes } from './routes/image-imports.js';
import { imageLocationRoutes } from './routes/image-locations.js';
import { imageVolumeRoutes } from './routes/image-volumes.js';
import { imageMemberRoutes } from './routes/image-members.js';
import { imageRoutes } from './routes/images.js';
import { importRoutes } from './routes/imports.js';
import { operationRoutes } from './routes/operations.js';
import { storeRoutes } from './routes/stores.js';
import { taskRoutes } from './routes/tasks.js';
import { uploadRoutes } from './routes/uploads.js';

/** Codes of a connection that the other side has ended. */
const GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);

/**
 * The HTTP layer: middleware, and one router for each resource. It parses, asks one service, and
 * presents; it decides nothing about images, imports or bytes, and names of the wire end here.
 */
export function createApp(parts: HttpParts, lifetime: Lifetime): Koa<HttpState> {
  const { server } = parts.config;
  const app = new Koa<HttpState>();
  const router = createRouter(parts, lifetime);

  app.use(requestId(parts.log));
  app.use(accessLog(parts.metrics));
  app.use(plainJson());
  app.use(errors(parts.authenticator.challenge));
  app.use(async (ctx, next) => {
    if (lifetime.stopping.aborted) ctx.set('Connection', 'close');
    await next();
  });
  app.use(forwarded(server));
  app.use(cors(server.corsOrigins));
  app.use(versions());
  app.use(authentication(parts.authenticator, parts.policy));
  app.use(async (ctx, next) => {
    try {
      await next();
    } finally {
      // The router has put the pattern of the route there.
      const { _matchedRoute: route } = ctx as { readonly _matchedRoute?: unknown };
      if (typeof route === 'string') ctx.state.route = route;
    }
  });
  app.use(router.routes());
  app.use(router.allowedMethods());
  app.on('error', (error: unknown) => {
    if (isClientGone(error)) parts.log.info('A client went away', { code: systemCode(error) });
    else parts.log.error('An answer failed', { error });
  });
  return app;
}

/** Every route that there is. */
export function createRouter(parts: HttpParts, lifetime: Lifetime): Router<HttpState> {
  const router = new Router<HttpState>();
  const resources = [
    discoveryRoutes(parts),
    imageRoutes(parts),
    imageDataRoutes(parts),
    uploadRoutes(parts, lifetime),
    imageImportRoutes(parts),
    imageMemberRoutes(parts),
    imageLocationRoutes(parts),
    imageVolumeRoutes(parts),
    storeRoutes(parts),
    taskRoutes(parts),
    importRoutes(parts, lifetime),
    operationRoutes(parts, lifetime),
  ];
  for (const resource of resources) router.use(resource.routes());
  return router;
}

/** The connection broke or ended in the middle of a body: nobody is left to answer. */
function isClientGone(error: unknown): boolean {
  const code = systemCode(error) ?? '';
  return code.startsWith('HPE_') || GONE.has(code);
}
