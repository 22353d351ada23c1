import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { GuardedFetch, PluginClock, defineMethod, pluginConfig } from '../../core/api.js';
import type {
  Clock,
  DataSource,
  FetchResponse,
  JsonObject,
  MethodContext,
  MethodSource,
} from '../../core/api.js';
import { contentRange, sourceChanged, statusError, strongValidator } from './http-answer.js';
import { assertNoCredentials } from './web-address.js';
import { WebDownloadConfig, WebDownloadParams } from './web-download-config.js';

/** What the first answer has said of the content. */
interface Content {
  readonly size: number | undefined;
  readonly validator: string | undefined;
  readonly takesRanges: boolean;
}

/**
 * Reads an image from an http or https address. The first request asks for all bytes as a range, so
 * that its answer tells whether the download can be resumed, and brings the bytes at the same time.
 */
export class WebDownload implements MethodSource {
  constructor(
    private readonly config: WebDownloadConfig,
    private readonly fetch: GuardedFetch,
    private readonly clock: Clock,
  ) {}

  check(params: JsonObject): Promise<void> {
    return new Promise((resolve) => {
      const { uri } = WebDownloadParams.parse(params);
      this.fetch.check(uri, { allow: this.config.allow });
      assertNoCredentials(uri);
      resolve();
    });
  }

  async source({ params, signal }: MethodContext): Promise<DataSource> {
    const { uri } = WebDownloadParams.parse(params);
    assertNoCredentials(uri);
    const first = await this.#request(uri, { range: 'bytes=0-' }, signal);
    const content = this.#content(first);
    const unused = new UnusedBody(first.body, this.config.idle_timeout, this.clock, signal);
    const { size, validator, takesRanges } = content;
    return {
      kind: 'stream',
      size,
      validator,
      resumable: takesRanges && validator !== undefined,
      open: async (offset, signal) => {
        const body = unused.take(offset === 0);
        if (body !== undefined) return body;
        return offset === 0
          ? this.#begin(uri, content, signal)
          : this.#resume(uri, offset, content, signal);
      },
    };
  }

  async #begin(uri: string, content: Content, signal: AbortSignal): Promise<Readable> {
    const response = await this.#request(uri, {}, signal);
    if (response.status !== 200) throw this.#failed(response);
    const now = strongValidator(response.headers);
    if (content.validator !== undefined && now !== content.validator) throw changed(response);
    return response.body;
  }

  async #resume(
    uri: string,
    offset: number,
    content: Content,
    signal: AbortSignal,
  ): Promise<Readable> {
    const headers = { range: `bytes=${offset}-`, 'if-range': content.validator ?? '' };
    const response = await this.#request(uri, headers, signal);
    const { status, body } = response;
    if (status === 206) {
      const range = contentRange(response.headers['content-range']);
      if (range?.start === offset && range.total === content.size) return body;
      throw changed(response);
    }
    if (status === 416) throw changed(response);
    if (status !== 200) throw this.#failed(response);
    // All of it: the content is another, or the server has given up ranges.
    if (strongValidator(response.headers) !== content.validator) throw changed(response);
    return skipBytes(body, offset);
  }

  #content(response: FetchResponse): Content {
    const { status, headers } = response;
    const range = contentRange(headers['content-range']);
    const validator = strongValidator(headers);
    if (status === 206 && range?.start === 0) {
      return { size: range.total, validator, takesRanges: true };
    }
    // No byte at all can be the first of a range.
    if (status === 416 && range?.total === 0) {
      response.body.destroy();
      return { size: 0, validator, takesRanges: false };
    }
    if (status !== 200) throw this.#failed(response);
    const length = headers['content-length'];
    return {
      size: length === undefined ? undefined : Number(length),
      validator,
      takesRanges: headers['accept-ranges'] === 'bytes',
    };
  }

  #request(
    uri: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<FetchResponse> {
    const { allow, connect_timeout, idle_timeout, max_redirects } = this.config;
    return this.fetch.open(uri, {
      // Bytes as they are stored: a range of a compressed answer would be one of other bytes.
      headers: { 'accept-encoding': 'identity', ...headers },
      allow,
      connectTimeoutMs: connect_timeout,
      idleTimeoutMs: idle_timeout,
      maxRedirects: max_redirects,
      signal,
    });
  }

  #failed(response: FetchResponse): Error {
    response.body.destroy();
    return statusError(response, this.clock.now());
  }
}

function changed(response: FetchResponse): Error {
  response.body.destroy();
  return sourceChanged(response.url);
}

/** The body of the first answer, until somebody wants it, the import stops or it has waited too long. */
class UnusedBody {
  readonly #waiting = new AbortController();
  #body: Readable | undefined;

  constructor(body: Readable, waitMs: number, clock: Clock, signal: AbortSignal) {
    this.#body = body;
    // A break before anybody reads shows when it is read.
    body.on('error', () => undefined);
    const close = (): void => void this.take(false);
    clock.sleep(waitMs, AbortSignal.any([signal, this.#waiting.signal])).then(close, close);
  }

  /** Gives the body away once, or closes it where it is of no use. */
  take(isWanted: boolean): Readable | undefined {
    const body = this.#body;
    this.#body = undefined;
    this.#waiting.abort();
    if (isWanted && body !== undefined && !body.destroyed) return body;
    body?.destroy();
    return undefined;
  }
}

function skipBytes(body: Readable, count: number): Readable {
  let left = count;
  const rest = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const skipped = Math.min(left, chunk.length);
      left -= skipped;
      done(null, skipped === chunk.length ? undefined : chunk.subarray(skipped));
    },
  });
  body.on('error', (error) => rest.destroy(error));
  rest.on('close', () => body.destroy());
  return body.pipe(rest);
}

export const webDownload = defineMethod({
  name: 'web-download',
  description: 'Import the image at an http or https address',
  params: WebDownloadParams,
  from: ['queued'],
  data: 'new',
  config: WebDownloadConfig,
  source: WebDownload,
  inject: [pluginConfig<WebDownloadConfig>(), GuardedFetch, PluginClock],
});
