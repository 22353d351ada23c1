import type { ParameterizedContext } from 'koa';
import { z } from 'zod';
import {
  CapacityError,
  InvalidInputError,
  TransientError,
  UnsupportedError,
} from '../../base/errors.js';
import { describeJsonIssues } from '../../base/json-issues.js';
import { letContinue } from '../expect.js';
import { hasBody } from '../linger.js';

/** Milliseconds for a whole JSON body. */
const JSON_TIMEOUT_MS = 30_000;

type Context = Pick<ParameterizedContext, 'req' | 'get'>;

/**
 * Reads a JSON body.
 * @param types media types, in lower case, that the route takes; @default `application/json`
 * @throws {UnsupportedError} `MEDIA_TYPE_UNSUPPORTED`
 * @throws {CapacityError} `BODY_TOO_LARGE`
 * @throws {InvalidInputError} `BODY_INVALID`
 */
export async function readJson(
  ctx: Context,
  maxSize: number,
  types: readonly string[] = ['application/json'],
): Promise<unknown> {
  if (!hasBody(ctx.req)) {
    throw bodyInvalid('The request has no body', 'Send a JSON document');
  }
  const type = mediaType(ctx);
  if (!types.includes(type)) {
    throw new UnsupportedError({
      code: 'MEDIA_TYPE_UNSUPPORTED',
      message: `The content type "${type}" is not supported here`,
      hint: `Use ${types.join(' or ')}`,
    });
  }
  const text = await readText(ctx, maxSize);
  // Such a member is a trap for code that copies objects, and would be dropped on its way.
  if (/"__proto__"\s*:/.test(text)) {
    throw bodyInvalid('The body has a member "__proto__"', 'Choose another name');
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidInputError({
      code: 'BODY_INVALID',
      message: `The body is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'Send one JSON document in UTF-8',
      cause,
    });
  }
}

/**
 * Checks a value from outside against a schema.
 * @throws {InvalidInputError} `BODY_INVALID` with every problem and its path
 */
export function parseBody<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = describeJsonIssues(result.error, value);
  throw bodyInvalid(`The body is not valid: ${problems.join('; ')}`, 'Correct what is listed');
}

/** @throws {InvalidInputError} `BODY_NOT_EXPECTED` (API-07) */
export function assertNoBody(ctx: Context): void {
  if (!hasBody(ctx.req)) return;
  throw new InvalidInputError({
    code: 'BODY_NOT_EXPECTED',
    message: 'The request has a body, and this route takes none',
    hint: 'Send the request without a body',
  });
}

/** The media type of the request in lower case, without parameters; `` where there is none. */
export function mediaType(ctx: Pick<Context, 'get'>): string {
  return (ctx.get('Content-Type').split(';')[0] ?? '').trim().toLowerCase();
}

async function readText(ctx: Context, maxSize: number): Promise<string> {
  const { req } = ctx;
  if (Number(ctx.get('Content-Length') || 0) > maxSize) throw tooLarge(maxSize);
  const chunks: Buffer[] = [];
  let size = 0;
  letContinue(req);
  const slow = setTimeout(() => {
    req.destroy(
      new TransientError({ code: 'BODY_STALLED', message: 'The body did not arrive in time' }),
    );
  }, JSON_TIMEOUT_MS);
  try {
    // Leaving the loop early must not destroy the request: its connection carries the answer.
    const stream = req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of stream) {
      size += chunk.length;
      if (size > maxSize) throw tooLarge(maxSize);
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(slow);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new InvalidInputError({
      code: 'BODY_INVALID',
      message: 'The body is not UTF-8',
      hint: 'Send one JSON document in UTF-8',
      cause,
    });
  }
}

function tooLarge(maxSize: number): CapacityError {
  return new CapacityError({
    code: 'BODY_TOO_LARGE',
    message: `The body is larger than ${maxSize} bytes`,
    hint: 'Send less, or raise "server.max_json_size"',
  });
}

function bodyInvalid(message: string, hint: string): InvalidInputError {
  return new InvalidInputError({ code: 'BODY_INVALID', message, hint });
}
