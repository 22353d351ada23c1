import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import { TransientError } from '../../base/errors.js';

/** Connections to Keystone; what does not fit waits. */
const CONNECTIONS = 8;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export interface KeystoneAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** `undefined` where the body is not JSON. */
  readonly body: unknown;
}

export interface KeystoneHttpOptions {
  /** With the version: `https://keystone.example/v3`. */
  readonly url: string;
  /** Certificates in PEM that are trusted beside the public ones. */
  readonly ca: string | undefined;
  /** Milliseconds for one answer. */
  readonly timeoutMs: number;
}

/** Speaks to one Keystone, whose address the deployer has configured: it is trusted. */
export class KeystoneHttp {
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #request: typeof httpRequest;

  constructor(private readonly options: KeystoneHttpOptions) {
    const { url, ca } = options;
    // A kept connection that the other side has just closed would look like an outage.
    const pool = { keepAlive: false, maxSockets: CONNECTIONS };
    const trust = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
    const isTls = url.startsWith('https:');
    this.#agent = isTls ? new HttpsAgent({ ...pool, ...trust }) : new HttpAgent(pool);
    this.#request = isTls ? httpsRequest : httpRequest;
  }

  /** @throws {TransientError} `KEYSTONE_UNREACHABLE` · `KEYSTONE_FAILS` for 429 and 5xx */
  async call(
    method: 'GET' | 'POST',
    path: string,
    options: { readonly headers?: Readonly<Record<string, string>>; readonly json?: unknown } = {},
  ): Promise<KeystoneAnswer> {
    const json = options.json === undefined ? '' : JSON.stringify(options.json);
    const headers = {
      accept: 'application/json',
      ...(json === ''
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
      ...options.headers,
    };
    try {
      const message = await this.#send(method, path, headers, json);
      const { statusCode: status = 0 } = message;
      const body = parse(await textOf(message));
      if (status === 429 || status >= 500) throw failing(`it answers ${status}`);
      return { status, headers: message.headers, body };
    } catch (error) {
      if (error instanceof TransientError) throw error;
      throw notAsked('KEYSTONE_UNREACHABLE', reasonOf(error), error);
    }
  }

  close(): Promise<void> {
    this.#agent.destroy();
    return Promise.resolve();
  }

  #send(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    body: string,
  ): Promise<IncomingMessage> {
    const { url, timeoutMs } = this.options;
    return new Promise((resolve, reject) => {
      const sent = this.#request(`${url}${path}`, {
        method,
        headers,
        agent: this.#agent,
        signal: AbortSignal.timeout(timeoutMs),
      });
      sent.on('response', resolve);
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw failing('its answer has no end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return ['AbortError', 'TimeoutError'].includes(error.name)
    ? 'it does not answer in time'
    : error.message;
}

/** Keystone is there, but its answer is of no use. */
export function failing(reason: string, cause?: unknown): TransientError {
  return notAsked('KEYSTONE_FAILS', reason, cause);
}

function notAsked(code: string, reason: string, cause: unknown): TransientError {
  return new TransientError({
    code,
    message: `The identity service cannot be asked: ${reason}`,
    hint: 'Try again later; the operator finds the reason in the log',
    retryAfterMs: 5000,
    cause,
  });
}
