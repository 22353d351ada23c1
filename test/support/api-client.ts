import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { request } from 'undici';
import type { Dispatcher } from 'undici';
import { assertConforms } from './conformance.js';

/** One answer, its JSON body parsed. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
  readonly text: string;
}

/** An image document, as far as tests look at it. */
export interface ImageDocument {
  readonly id: string;
  readonly status: string;
  readonly size: number | null;
  readonly virtual_size: number | null;
  readonly disk_format: string | null;
  readonly checksum: string | null;
  readonly os_hash_algo: string | null;
  readonly os_hash_value: string | null;
  readonly [property: string]: unknown;
}

export interface ImportDocument {
  readonly id: string;
  readonly image_id: string;
  readonly method: string;
  readonly state: string;
  readonly failure: {
    readonly class: string;
    readonly code: string;
    readonly message: string;
    readonly details?: Readonly<Record<string, unknown>>;
  } | null;
  readonly tasks: readonly {
    readonly name: string;
    readonly state: string;
    readonly attempt: number;
    readonly reason: string | null;
    readonly store: string | null;
  }[];
}

const FINAL = ['succeeded', 'failed', 'cancelled', 'revert_failed'];

/**
 * The Image API as the tests use it: plain HTTP, no OpenStack library. Every answer is held against
 * the API's document.
 */
export class ApiClient {
  /** @param own headers of every request */
  constructor(
    readonly url: string,
    private readonly own: Readonly<Record<string, string>> = {},
  ) {}

  async call(
    method: Dispatcher.HttpMethod,
    path: string,
    options: {
      readonly json?: unknown;
      readonly headers?: Record<string, string>;
      readonly body?: Dispatcher.DispatchOptions['body'];
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<Answer> {
    const { json, body, signal } = options;
    const headers = { ...this.own, ...options.headers };
    const answer = await request(this.url + path, {
      method,
      headers: json === undefined ? headers : { 'content-type': 'application/json', ...headers },
      body: json === undefined ? (body ?? null) : JSON.stringify(json),
      ...(signal === undefined ? {} : { signal }),
      bodyTimeout: 0,
      headersTimeout: 0,
    });
    const text = await answer.body.text();
    assertConforms({ method, path, status: answer.statusCode, headers: answer.headers, text });
    return { status: answer.statusCode, headers: answer.headers, text, body: parse(text) };
  }

  async createImage(properties: Readonly<Record<string, unknown>> = {}): Promise<ImageDocument> {
    const answer = await this.call('POST', '/v2/images', {
      json: { name: 'test', disk_format: 'raw', container_format: 'bare', ...properties },
    });
    if (answer.status !== 201) throw new Error(`create: ${answer.status} ${answer.text}`);
    return answer.body as ImageDocument;
  }

  async image(id: string): Promise<ImageDocument> {
    const answer = await this.call('GET', `/v2/images/${id}`);
    if (answer.status !== 200) throw new Error(`show: ${answer.status} ${answer.text}`);
    return answer.body as ImageDocument;
  }

  async send(
    id: string,
    how: 'file' | 'stage',
    file: string,
    signal?: AbortSignal,
  ): Promise<Answer> {
    return this.call('PUT', `/v2/images/${id}/${how}`, {
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String((await stat(file)).size),
      },
      body: createReadStream(file, { highWaterMark: 1024 * 1024 }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async import(id: string, body: Readonly<Record<string, unknown>>): Promise<Answer> {
    return this.call('POST', `/v2/images/${id}/import`, { json: body });
  }

  async imports(imageId?: string): Promise<readonly ImportDocument[]> {
    return this.#list(imageId === undefined ? '' : `&image_id=${imageId}`);
  }

  async #list(query: string): Promise<readonly ImportDocument[]> {
    const answer = await this.call('GET', `/stowage/v1/imports?limit=200${query}`);
    if (answer.status !== 200) throw new Error(`imports: ${answer.status} ${answer.text}`);
    return (answer.body as { imports: readonly ImportDocument[] }).imports;
  }

  /** Follows the newest import of an image to its end, by its events. */
  async finished(imageId: string): Promise<ImportDocument> {
    const [newest] = await this.imports(imageId);
    if (newest === undefined) throw new Error(`Image ${imageId} has no import`);
    await this.call('GET', `/stowage/v1/imports/${newest.id}/events`);
    const answer = await this.call('GET', `/stowage/v1/imports/${newest.id}`);
    const document = answer.body as ImportDocument;
    if (!FINAL.includes(document.state)) throw new Error(`The events of ${newest.id} ended early`);
    return document;
  }

  /** Resolves when no import is under way. */
  async quiet(): Promise<void> {
    for (;;) {
      const [live] = await this.#list('&state=pending&state=running&state=reverting');
      if (live === undefined) return;
      await this.call('GET', `/stowage/v1/imports/${live.id}/events`);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
