import { Router } from '@koa/router';
import type { ParsedUrlQuery } from 'node:querystring';
import { IMPORT_STATES } from '../../engine/import.js';
import type { ImportQuery } from '../../engine/ports.js';
import type { ImportRecord } from '../../engine/import.js';
import type { z } from 'zod';
import { callerOf } from '../context.js';
import type { HttpRouter, HttpState } from '../context.js';
import { streamEvents } from '../event-stream.js';
import type { HttpParts, Lifetime } from '../parts.js';
import { presentImport } from '../presenters/import.js';
import type { IMPORT } from '../presenters/import.js';
import { assertNoBody } from '../requests/body.js';
import { pageUrl, parseChoice, parseLimit, valueOf, valuesOf } from '../requests/query.js';

const PATH = '/stowage/v1/imports';
const LIMITS = { usual: 25, max: 200 };

/** Stowage's own resource: imports with everything that is known of them. */
export function importRoutes(parts: HttpParts, lifetime: Lifetime): HttpRouter {
  const { database, importCatalogue, imports } = parts;
  const { read } = database;
  const router = new Router<HttpState>();

  const present = async (record: ImportRecord): Promise<z.output<typeof IMPORT>> =>
    presentImport(
      { import: record, tasks: await read.tasks(record.id) },
      imports.progress(record.id),
    );

  router.get(PATH, async (ctx) => {
    const limit = parseLimit(ctx.query, LIMITS);
    const query = { ...importQuery(ctx.query), limit };
    const records = await importCatalogue.list(callerOf(ctx), query);
    const last = records.at(-1);
    const full = last !== undefined && records.length === limit;
    ctx.body = {
      imports: await Promise.all(records.map(present)),
      ...(full ? { next: pageUrl(PATH, ctx.query, last.id) } : {}),
    };
  });

  router.get(`${PATH}/:id`, async (ctx) => {
    const detail = await importCatalogue.show(callerOf(ctx), ctx.params['id'] ?? '');
    ctx.body = presentImport(detail, imports.progress(detail.import.id));
  });

  router.get(`${PATH}/:id/events`, async (ctx) => {
    const { import: record } = await importCatalogue.show(callerOf(ctx), ctx.params['id'] ?? '');
    await streamEvents(ctx, { imports, read, record, stopping: lifetime.stopping });
  });

  router.post(`${PATH}/:id/cancel`, async (ctx) => {
    assertNoBody(ctx);
    const { id } = await importCatalogue.showForChange(callerOf(ctx), ctx.params['id'] ?? '');
    await imports.cancel(id);
    const record = await read.import(id);
    ctx.status = 202;
    ctx.body = record === undefined ? {} : await present(record);
  });

  router.post(`${PATH}/:id/retry`, async (ctx) => {
    assertNoBody(ctx);
    const caller = callerOf(ctx);
    const { id } = await importCatalogue.showForChange(caller, ctx.params['id'] ?? '');
    const record = await imports.retry(id, caller);
    ctx.status = 202;
    ctx.set('Location', `${PATH}/${record.id}`);
    ctx.body = await present(record);
  });
  return router;
}

/** The newest first. `state` may be repeated, or hold several with commas. */
function importQuery(query: ParsedUrlQuery): ImportQuery {
  const imageId = valueOf(query, 'image_id')?.toLowerCase();
  const marker = valueOf(query, 'marker');
  const states = valuesOf(query, 'state').flatMap((text) => text.split(','));
  return {
    order: 'desc',
    ...(imageId === undefined ? {} : { imageId }),
    ...(marker === undefined ? {} : { marker }),
    ...(states.length === 0
      ? {}
      : { states: states.map((state) => parseChoice('state', state, IMPORT_STATES)) }),
  };
}
