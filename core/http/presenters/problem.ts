import { STATUS_CODES } from 'node:http';
import { describeFailure } from '../../base/errors.js';
import type { Failure } from '../../base/errors.js';
import type { JsonObject } from '../../base/json.js';

/**
 * The body of an error. Every one has `error`. Clients that ask for JSON by name get Glance's three
 * fields beside it; for the others every value is an object, since python-glanceclient, which asks
 * for anything, reads `message` out of each value and crashes on a text.
 */
export function presentProblem(
  error: unknown,
  status: number,
  options: { readonly requestId: string; readonly glanceFields: boolean },
): JsonObject {
  const failure = publicFailure(error, options.requestId);
  const title = STATUS_CODES[status] ?? 'Error';
  const problem = { status, title, request_id: options.requestId, ...failure };
  if (options.glanceFields) {
    return { message: sentence(failure), code: `${status} ${title}`, title, error: problem };
  }
  return failure.hint === undefined
    ? { error: problem }
    : { error: problem, hint: { message: failure.hint } };
}

/** What nobody foresaw is for the log alone. */
function publicFailure(error: unknown, requestId: string): Failure {
  const failure = describeFailure(error);
  if (failure.class !== 'bug') return failure;
  return {
    class: 'bug',
    code: 'INTERNAL',
    message: 'The server failed in a way that nobody foresaw',
    hint: `The log of the server has the details under "${requestId}"`,
  };
}

function sentence({ message, hint }: Failure): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
