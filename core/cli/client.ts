import type { Readable } from 'node:stream';
import { request } from 'undici';
import { z } from 'zod';
import { TransientError, failureError } from '../base/errors.js';
import type { ErrorClass } from '../base/errors.js';
import { ErrorBody } from './wire.js';

/** Bytes of an answer that are read at most; lists of imports stay far below. */
const MAX_ANSWER = 16 * 2 ** 20;

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as `application/octet-stream`; consumed. */
  readonly bytes?: { readonly stream: Readable; readonly size: number | undefined };
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** HTTP to one server, with its errors turned back into ours. No time-outs: imports take their time. */
export class ApiClient {
  /** @param url base URL without a trailing slash */
  constructor(
    readonly url: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  /**
   * Sends one request and reads its JSON answer.
   * @throws {TransientError} `SERVER_UNREACHABLE`, or what the server has answered
   */
  async json<T extends z.ZodType>(
    schema: T,
    path: string,
    options: ApiRequest = {},
  ): Promise<z.output<T>> {
    const text = await readText(await this.stream(path, options));
    const answer = schema.safeParse(parseJson(text));
    if (answer.success) return answer.data;
    throw this.strange(path, z.prettifyError(answer.error));
  }

  /** As {@link json}, where the answer has no body worth reading. */
  async send(path: string, options: ApiRequest): Promise<void> {
    await readText(await this.stream(path, options));
  }

  /** Opens an answer as a stream, which the caller reads or destroys. */
  async stream(path: string, options: ApiRequest = {}): Promise<Readable> {
    const { method = 'GET', json, bytes, signal } = options;
    try {
      const answer = await request(`${this.url}${path}`, {
        method,
        headers: {
          accept: 'application/json',
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...(bytes === undefined ? {} : { 'content-type': 'application/octet-stream' }),
          ...(bytes?.size === undefined ? {} : { 'content-length': String(bytes.size) }),
          ...this.headers,
          ...options.headers,
        },
        body: bytes?.stream ?? (json === undefined ? null : JSON.stringify(json)),
        headersTimeout: 0,
        bodyTimeout: 0,
        ...(signal === undefined ? {} : { signal }),
      });
      if (answer.statusCode < 400) return answer.body;
      throw refusal(answer.statusCode, await readText(answer.body), path);
    } catch (error) {
      signal?.throwIfAborted();
      throw isNetworkError(error) ? this.unreachable(error) : error;
    }
  }

  private unreachable(cause: Error): TransientError {
    return new TransientError({
      code: 'SERVER_UNREACHABLE',
      message: `Cannot reach the server at "${this.url}": ${cause.message}`,
      hint: 'See whether `stowage serve` runs there, or name another server by --url',
      cause,
    });
  }

  private strange(path: string, detail: string): TransientError {
    return new TransientError({
      code: 'SERVER_UNREACHABLE',
      message: `What answers at "${this.url}${path}" is not Stowage:\n${detail}`,
      hint: 'See whether the URL is right',
    });
  }
}

function isNetworkError(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const { code } = error;
  return typeof code === 'string' && /^(E[A-Z]+|UND_ERR_[A-Z_]+)$/.test(code);
}

async function readText(body: Readable): Promise<string> {
  let text = '';
  body.setEncoding('utf8');
  for await (const chunk of body) {
    text += chunk as string; // set by setEncoding
    if (text.length > MAX_ANSWER) {
      body.destroy();
      break;
    }
  }
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema says what was expected instead
  }
}

function refusal(status: number, text: string, path: string): Error {
  const body = ErrorBody.safeParse(parseJson(text));
  const fallback = `The server answered ${status} on "${path}"`;
  const {
    class: kind,
    code,
    message,
    hint,
    causes,
  } = body.success
    ? body.data.error
    : {
        class: classOf(status),
        code: `HTTP_${status}`,
        message: fallback,
        hint: null,
        causes: null,
      };
  return failureError({
    class: kind,
    code,
    message,
    ...(typeof hint === 'string' ? { hint } : {}),
    ...(Array.isArray(causes) ? { causes } : {}),
  });
}

function classOf(status: number): ErrorClass {
  if (status === 401 || status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 409) return 'conflict';
  return status < 500 ? 'invalid_input' : 'permanent';
}
