import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { ERROR_CLASSES, describeFailure } from '../../base/errors.js';
import type { Failure } from '../../base/errors.js';
import { JSON_OBJECT, TEXTS } from './wire-types.js';

const DETAIL = z.strictObject({
  status: z.int().min(400).max(599),
  title: z.string(),
  request_id: z.string(),
  class: z.enum(ERROR_CLASSES),
  code: z.string(),
  message: z.string(),
  hint: z.string().exactOptional(),
  details: JSON_OBJECT.exactOptional(),
  causes: TEXTS.exactOptional(),
});

export const PROBLEM = z.union([
  z.strictObject({ message: z.string(), code: z.string(), title: z.string(), error: DETAIL }),
  z.strictObject({
    error: DETAIL,
    hint: z.strictObject({ message: z.string() }).exactOptional(),
  }),
]);

/**
 * The body of an error. Every one has `error`. Clients that ask for JSON by name get Glance's three
 * fields beside it; for the others every value is an object, since python-glanceclient, which asks
 * for anything, reads `message` out of each value and crashes on a text.
 */
export function presentProblem(
  error: unknown,
  status: number,
  options: { readonly requestId: string; readonly glanceFields: boolean },
): z.output<typeof PROBLEM> {
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
