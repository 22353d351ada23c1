import { json } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { NotFoundError, PermanentError, TransientError, z } from '../../core/api.js';
import type { FetchResponse, GuardedFetch, Identity, ServiceSession } from '../../core/api.js';
import type { GlanceDownloadConfig, Region } from './glance-download-config.js';

const Image = z.looseObject({
  status: z.string(),
  size: z.int().min(0).nullable(),
  os_hash_algo: z.string().nullable().optional(),
  os_hash_value: z.string().nullable().optional(),
});
export type RemoteImage = z.output<typeof Image>;

/** One other Image API endpoint, asked as the server itself. */
export class RemoteImages {
  readonly #session: ServiceSession | undefined;

  constructor(
    private readonly region: Region,
    private readonly config: GlanceDownloadConfig,
    private readonly fetch: GuardedFetch,
    identity: Identity,
  ) {
    this.#session = region.keystone && identity.session(region.keystone);
  }

  async show(id: string, signal: AbortSignal): Promise<RemoteImage> {
    const response = await this.#get(`/v2/images/${id}`, {}, signal);
    if (response.status !== 200) throw this.#answered(response, id);
    const image = Image.safeParse(await json(response.body));
    if (image.success) return image.data;
    throw new PermanentError({
      code: 'SOURCE_ANSWER_INVALID',
      message: `The endpoint of region "${this.region.name}" does not answer as an Image API`,
      hint: 'The operator checks the endpoint in the config',
    });
  }

  /** The bytes from an offset on. */
  async open(id: string, offset: number, signal: AbortSignal): Promise<Readable> {
    const range: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    const response = await this.#get(`/v2/images/${id}/file`, range, signal);
    if (response.status === (offset === 0 ? 200 : 206)) return response.body;
    throw this.#answered(response, id);
  }

  async #get(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<FetchResponse> {
    const token = await this.#session?.token();
    const first = await this.#ask(path, headers, token, signal);
    if (first.status !== 401 || token === undefined) return first;
    // It may have been revoked before its time.
    first.body.destroy();
    this.#session?.refused(token);
    return this.#ask(path, headers, await this.#session?.token(), signal);
  }

  #ask(
    path: string,
    headers: Readonly<Record<string, string>>,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<FetchResponse> {
    const { endpoint, headers: own } = this.region;
    const secrets = {
      ...Object.fromEntries(Object.entries(own).map(([name, value]) => [name, value.reveal()])),
      ...(token === undefined ? {} : { 'x-auth-token': token }),
    };
    const { origin } = new URL(endpoint);
    return this.fetch.open(endpoint + path, {
      headers: { 'accept-encoding': 'identity', accept: '*/*', ...headers },
      // A redirect to somewhere else learns nothing of them.
      credentials: (url) => (url.origin === origin ? secrets : {}),
      allow: this.config.allow,
      connectTimeoutMs: this.config.connect_timeout,
      idleTimeoutMs: this.config.idle_timeout,
      maxRedirects: 3,
      signal,
    });
  }

  #answered({ status, body }: FetchResponse, id: string): Error {
    body.destroy();
    const { name } = this.region;
    const message = `Region "${name}" answered with status ${status} for image "${id}"`;
    if (status === 404) {
      return new NotFoundError({
        code: 'SOURCE_NOT_FOUND',
        message,
        hint: 'Check the id; the image must be visible to the user that this server has there',
      });
    }
    if (status >= 500 || status === 429) {
      return new TransientError({
        code: 'SOURCE_UNREACHABLE',
        message,
        hint: 'It is tried again by itself',
      });
    }
    return new PermanentError({
      code: 'SOURCE_REFUSED',
      message,
      hint: 'The image must be readable for the user that this server has there',
    });
  }
}
