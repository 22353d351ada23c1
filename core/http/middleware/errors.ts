import type { Middleware } from 'koa';
import {
  InvalidInputError,
  NotFoundError,
  StowageError,
  UnsupportedError,
  systemCode,
} from '../../base/errors.js';
import type { HttpState } from '../context.js';
import { lingeringBody } from '../linger.js';
import { presentProblem } from '../presenters/problem.js';
import { retryAfterOf, statusOf } from './status.js';

/**
 * Answers whatever is thrown, and what no route has answered, with an error body.
 * @param challenge `WWW-Authenticate` of 401
 */
export function errors(challenge: string): Middleware<HttpState> {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.respond !== false && ctx.body === undefined && ctx.status >= 400) {
        throw unanswered(ctx.status, ctx.method, ctx.path);
      }
    } catch (error) {
      if (ctx.res.headersSent || ctx.res.destroyed) {
        // The client holds a part of another answer: only a broken connection tells it so.
        ctx.res.destroy();
        ctx.respond = false;
        if (!isClientGone(error)) logFailure(ctx.state, error, 'An answer was broken off');
        return;
      }
      const upload = sendsBytes(ctx.method, ctx.path);
      const status = statusOf(error, upload);
      ctx.status = status;
      const retryAfter = retryAfterOf(error);
      if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
      if (status === 401) ctx.set('WWW-Authenticate', challenge);
      const body = presentProblem(error, status, {
        requestId: ctx.state.requestId,
        glanceFields: asksForJson(ctx.headers.accept),
      });
      const bytes = Buffer.from(JSON.stringify(body));
      ctx.type = 'application/json';
      ctx.body = lingeringBody(ctx.req, ctx.res, bytes);
      ctx.length = bytes.length;
      if (status >= 500) logFailure(ctx.state, error, 'A request failed');
    }
  };
}

/** Whether a request brings bytes of an image. */
function sendsBytes(method: string, path: string): boolean {
  if (method === 'PUT') return /\/(?:file|stage)$/.test(path);
  return (method === 'PATCH' || method === 'POST') && /\/uploads(?:\/[^/]+)?$/.test(path);
}

function logFailure({ log }: HttpState, error: unknown, message: string): void {
  const foreseen = error instanceof StowageError && error.class !== 'bug';
  if (foreseen) log.warn(message, { code: error.code, reason: error.message });
  else log.error(message, { error });
}

/** A client that goes away is no failure; the access log has it. */
function isClientGone(error: unknown): boolean {
  const code = error instanceof StowageError ? error.code : systemCode(error);
  return code === 'CLIENT_GONE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function asksForJson(accept: string | undefined): boolean {
  return accept !== undefined && /\bapplication\/json\b/i.test(accept);
}

function unanswered(status: number, method: string, path: string): StowageError {
  if (status === 405 || status === 501) {
    return new UnsupportedError({
      code: 'METHOD_NOT_ALLOWED',
      message: `"${method}" is not possible on "${path}"`,
      hint: 'The header "Allow" lists what is',
    });
  }
  if (status === 404) {
    return new NotFoundError({
      code: 'ROUTE_NOT_FOUND',
      message: `There is nothing at "${path}"`,
      hint: 'The Image API begins at "/v2/", the imports of Stowage at "/stowage/v1/imports"',
    });
  }
  return new InvalidInputError({
    code: 'REQUEST_INVALID',
    message: 'The request is not valid',
    hint: 'Compare it with the description of the HTTP API',
  });
}
