import { Router } from '@koa/router';
import type { ParsedUrlQuery } from 'node:querystring';
import { UnsupportedError } from '../../base/errors.js';
import type { ImportQuery } from '../../engine/ports.js';
import { callerOf } from '../context.js';
import type { HttpRouter, HttpState } from '../context.js';
import type { HttpParts } from '../parts.js';
import {
  TASK_STATUSES,
  TASK_TYPE,
  presentTaskOfImport,
  presentTaskStub,
  statesOf,
} from '../presenters/task.js';
import { pageUrl, parseChoice, parseLimit, valueOf } from '../requests/query.js';

const PATH = '/v2/tasks';
const LIMITS = { usual: 25, max: 1000 };
const TYPES = ['import', TASK_TYPE, 'location_import'] as const;

/** Imports as tasks of the Image API (API-70 to API-72): to look at only. */
export function taskRoutes(parts: HttpParts): HttpRouter {
  const { config, importCatalogue, imports, policy } = parts;
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

  router.post(PATH, (ctx) => {
    ctx.set('Allow', 'GET, HEAD');
    throw new UnsupportedError({
      code: 'METHOD_NOT_ALLOWED',
      message: 'Tasks cannot be created',
      hint: 'Start an import with "POST /v2/images/{id}/import"',
    });
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
