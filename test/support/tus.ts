import type { Dispatcher } from 'undici';
import type { Answer, ApiClient } from './api-client.js';

const CHUNK = 'application/offset+octet-stream';

/** The requests of the tus protocol, one by one, as a client makes them. */
export class TusUpload {
  private constructor(
    private readonly api: ApiClient,
    /** Path of the upload. */
    readonly path: string,
    private readonly headers: Readonly<Record<string, string>>,
  ) {}

  static async create(
    api: ApiClient,
    imageId: string,
    length: number,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TusUpload> {
    const answer = await TusUpload.begin(api, imageId, {
      'upload-length': String(length),
      ...headers,
    });
    if (answer.status !== 201) throw new Error(`create: ${answer.status} ${answer.text}`);
    return new TusUpload(api, new URL(String(answer.headers['location'])).pathname, headers);
  }

  /** The answer to the request that begins an upload, whatever it is. */
  static begin(
    api: ApiClient,
    imageId: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    return api.call('POST', `/stowage/v1/images/${imageId}/uploads`, {
      headers: { 'tus-resumable': '1.0.0', ...headers },
    });
  }

  /** The same upload at another server, or by another caller. */
  at(api: ApiClient, headers: Readonly<Record<string, string>> = this.headers): TusUpload {
    return new TusUpload(api, this.path, headers);
  }

  call(
    method: Dispatcher.HttpMethod,
    options: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Dispatcher.DispatchOptions['body'];
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<Answer> {
    return this.api.call(method, this.path, {
      ...options,
      headers: { 'tus-resumable': '1.0.0', ...this.headers, ...options.headers },
    });
  }

  patch(
    offset: number,
    body: Dispatcher.DispatchOptions['body'],
    signal?: AbortSignal,
  ): Promise<Answer> {
    const headers = { 'content-type': CHUNK, 'upload-offset': String(offset) };
    return this.call('PATCH', {
      headers,
      body: body ?? null,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Bytes that need not be sent again. */
  async offset(): Promise<number> {
    const answer = await this.call('HEAD');
    if (answer.status !== 200) throw new Error(`HEAD: ${answer.status}`);
    return Number(answer.headers['upload-offset']);
  }
}
