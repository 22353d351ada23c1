import { Router } from '@koa/router';
import { ConflictError, StowageError } from '../../base/errors.js';
import { ruleOfMethod } from '../../catalogue/import-catalogue.js';
import type { ImportRequest } from '../../engine/service.js';
import { callerOf } from '../context.js';
import type { HttpContext, HttpRouter, HttpState } from '../context.js';
import { assertRequestable } from '../methods.js';
import type { HttpParts } from '../parts.js';
import { presentPlan } from '../presenters/import.js';
import { presentTaskOfImport } from '../presenters/task.js';
import { readJson } from '../requests/body.js';
import { imageIdOf } from '../requests/ids.js';
import { parseImportRequest } from '../requests/import-body.js';

/** Imports of one image: start, plan, and its tasks. */
export function imageImportRoutes(parts: HttpParts): HttpRouter {
  const { catalogue, config, database, imports } = parts;
  const router = new Router<HttpState>();

  const requestOf = async (
    ctx: HttpContext & { readonly params: Record<string, string> },
  ): Promise<ImportRequest> => {
    const imageId = imageIdOf(ctx);
    const caller = callerOf(ctx);
    const body = await readJson(ctx, config.server.maxJsonSize);
    const headers = {
      store: ctx.get('X-Image-Meta-Store').trim(),
      idempotencyKey: ctx.get('Idempotency-Key').trim(),
    };
    const request = parseImportRequest(body, headers, { imageId, caller });
    assertRequestable(parts.plugins, request.method);
    await catalogue.showFor(caller, imageId, ruleOfMethod(request.method));
    return request;
  };

  router.post('/v2/images/:id/import', async (ctx) => {
    const request = await requestOf(ctx);
    const record = await imports.start(request).catch(asGlanceAnswers);
    ctx.status = 202;
    if (record !== undefined) ctx.set('Location', `/stowage/v1/imports/${record.id}`);
    // Empty, as clients of the Image API expect; the header names the import.
    ctx.body = '';
    ctx.remove('Content-Type');
  });

  router.post('/stowage/v1/images/:id/plan', async (ctx) => {
    const request = await requestOf(ctx);
    ctx.body = presentPlan(await imports.plan(request).catch(translateUnknownStore));
  });

  router.get('/v2/images/:id/tasks', async (ctx) => {
    const records = await parts.importCatalogue.ofImage(callerOf(ctx), imageIdOf(ctx));
    ctx.body = {
      tasks: await Promise.all(
        records.map(async (record) =>
          presentTaskOfImport(
            { import: record, tasks: await database.read.tasks(record.id) },
            imports.progress(record.id),
            config.imports.retentionMs,
          ),
        ),
      ),
    };
  });
  return router;
}

/** Copying to all stores an image that they all have is done, with nothing to follow. */
function asGlanceAnswers(error: unknown): undefined {
  if (error instanceof StowageError && error.code === 'ALREADY_IN_ALL_STORES') return undefined;
  return translateUnknownStore(error);
}

/** Glance answers a store that there is not with a conflict (IMP-01). */
function translateUnknownStore(error: unknown): never {
  if (error instanceof StowageError && error.code === 'STORE_UNKNOWN') {
    const { code, message, hint, details } = error;
    throw new ConflictError({
      code,
      message,
      details,
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  throw error;
}
