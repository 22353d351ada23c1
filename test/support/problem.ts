import { expect } from 'vitest';
import type { Answer } from './api-client.js';

/** What an error body says. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * Reads the error of an answer, and holds it against what every error owes its reader: a code, a
 * sentence that says what is wrong, another that says what to do, and the id to look for in the log.
 */
export function problemOf(answer: Answer): Problem {
  expect(answer.headers['content-type'], answer.text).toMatch(/^application\/json/);
  const { error } = answer.body as { readonly error: Record<string, unknown> };
  expect(error).toMatchObject({
    status: answer.status,
    code: expect.stringMatching(/^[A-Z][A-Z0-9_]+$/) as string,
    message: expect.stringMatching(/^\S.* .*[^.\s]$/s) as string,
    hint: expect.stringMatching(/^[A-Z].* .*[^.\s]$/s) as string,
    request_id: answer.headers['x-openstack-request-id'],
  });
  expect(answer.text).not.toMatch(/\bat .*\.js:\d+|node_modules|undefined|\[object/);
  const { code, message, hint } = error as Record<'code' | 'message' | 'hint', string>;
  return { status: answer.status, code, message, hint };
}
