import { Router } from '@koa/router';
import type { ParsedUrlQuery } from 'node:querystring';
import { LOCATION_TASK_TYPE, TASK_STATUSES, TASK_TYPE, statesOf } from '../../engine/api-task.js';
import type { ImportQuery } from '../../engine/ports.js';
import { callerOf } from '../context.js';
import type { HttpRouter, HttpState } from '../context.js';
import { assertRequestable } from '../methods.js';
import type { HttpParts } from '../parts.js';
import { presentTaskOfImport, presentTaskStub } from '../presenters/task.js';
import { readJson } from '../requests/body.js';
import { parseTaskRequest } from '../requests/task-body.js';
import { pageUrl, parseChoice, parseLimit, valueOf } from '../requests/query.js';

const PATH = '/v2/tasks';
/** What brings the bytes of a task that a client creates. */
const DOWNLOAD_METHOD = 'web-download';
const LIMITS = { usual: 25, max: 1000 };
const TYPES = ['import', TASK_TYPE, LOCATION_TASK_TYPE] as const;

/** Imports as tasks of the Image API (API-70 to API-72). */
export function taskRoutes(parts: HttpParts): HttpRouter {
  const { catalogue, config, importCatalogue, imports, plugins, policy } = parts;
  const { retentionMs } = config.imports;
  const router = new Router<HttpState>();

  router.get(PATH, async (ctx) => {
    const caller = callerOf(ctx);
    policy.require(caller, 'tasks_api_access');
    policy.require(caller, 'get_tasks');
    const limit = parseLimit(ctx.query, LIMITS);
    const query = taskQuery(ctx.query);
    const records =
      query === undefined ? [] : await importCatalogue.list(caller, { ...query, limit });
    const last = records.at(-1);
    const full = last !== undefined && records.length === limit;
    ctx.body = {
      tasks: records.map((record) => presentTaskStub(record, retentionMs)),
      first: pageUrl(PATH, ctx.query, undefined),
      ...(full ? { next: pageUrl(PATH, ctx.query, last.id) } : {}),
      schema: '/v2/schemas/tasks',
    };
  });

  router.get(`${PATH}/:id`, async (ctx) => {
    const caller = callerOf(ctx);
    policy.require(caller, 'tasks_api_access');
    policy.require(caller, 'get_task');
    const detail = await importCatalogue.show(caller, ctx.params['id'] ?? '');
    ctx.body = presentTaskOfImport(detail, imports.progress(detail.import.id), retentionMs);
  });

  router.post(PATH, async (ctx) => {
    const caller = callerOf(ctx);
    policy.require(caller, 'tasks_api_access');
    policy.require(caller, 'add_task');
    const { image, uri } = parseTaskRequest(await readJson(ctx, config.server.maxJsonSize));
    assertRequestable(plugins, DOWNLOAD_METHOD);
    const { id: imageId } = await catalogue.create(caller, image);
    const params = { uri };
    const record = await imports
      .start({ imageId, method: DOWNLOAD_METHOD, params, caller })
      .catch(async (error: unknown) => {
        // Nobody has been told of the image.
        const unprotected = { kind: 'attributes', value: { protected: false } } as const;
        await catalogue.update(caller, imageId, [unprotected]);
        await catalogue.remove(caller, imageId);
        throw error;
      });
    const detail = await importCatalogue.show(caller, record.id);
    ctx.status = 201;
    ctx.set('Location', `${ctx.state.baseUrl}${PATH}/${record.id}`);
    ctx.body = presentTaskOfImport(detail, imports.progress(record.id), retentionMs);
  });
  return router;
}

/** `undefined` where no task can fit. Tasks come in the order of their creation, whatever is asked. */
function taskQuery(query: ParsedUrlQuery): ImportQuery | undefined {
  const type = valueOf(query, 'type');
  if (type !== undefined && parseChoice('type', type, TYPES) !== TASK_TYPE) return undefined;
  const status = valueOf(query, 'status');
  const marker = valueOf(query, 'marker');
  const order = parseChoice('sort_dir', valueOf(query, 'sort_dir') ?? 'desc', ['asc', 'desc']);
  return {
    order,
    ...(marker === undefined ? {} : { marker }),
    ...(status === undefined
      ? {}
      : { states: statesOf(parseChoice('status', status, TASK_STATUSES)) }),
  };
}
