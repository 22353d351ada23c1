import { GuardedFetch, PluginClock, defineMethod, pluginConfig } from '../../core/api.js';
import type { Clock, DataSource, JsonObject, MethodContext, MethodSource } from '../../core/api.js';
import { tooSlow } from './download-errors.js';
import { Download } from './download.js';
import { expectedDigest } from './expected-digest.js';
import { readPosition } from './position.js';
import { RateLimit } from './rate-limit.js';
import { Requests } from './requests.js';
import { assertNoCredentials } from './web-address.js';
import { WebDownloadConfig } from './web-download-config.js';
import { WebDownloadParams } from './web-download-params.js';

/** Milliseconds over the time-outs of the source, so that theirs, which say more, come first. */
const MARGIN = 5_000;

/** Reads an image from an http or https address, or from one of several that have the same bytes. */
export class WebDownload implements MethodSource {
  readonly #requests: Requests;
  readonly #shared: readonly RateLimit[];

  constructor(
    private readonly config: WebDownloadConfig,
    fetch: GuardedFetch,
    private readonly clock: Clock,
  ) {
    this.#requests = new Requests(config, fetch);
    this.#shared = limitOf(config.max_total_rate, clock);
  }

  check(params: JsonObject): Promise<void> {
    return new Promise((resolve) => {
      const parsed = WebDownloadParams.parse(params);
      const list = parsed.checksum_url;
      for (const address of [...addressesOf(parsed), ...(list === undefined ? [] : [list])]) {
        this.#requests.check(address);
        assertNoCredentials(address);
      }
      resolve();
    });
  }

  async source(context: MethodContext): Promise<DataSource> {
    const params = WebDownloadParams.parse(context.params);
    const addresses = addressesOf(params);
    const signal = this.#deadline(params.uri, context.signal);
    const kept = readPosition(context.resumeFrom, addresses.length);
    const position = kept ?? {
      mirror: 0,
      failures: 0,
      content: null,
      digest:
        (await expectedDigest(params, this.#requests, this.clock, signal)) ??
        context.expectedDigest ??
        null,
    };
    const { connect_timeout, idle_timeout, max_rate, max_size } = this.config;
    const download = new Download(
      {
        addresses,
        requests: this.#requests,
        limits: [...limitOf(max_rate, this.clock), ...this.#shared],
        maxSize: max_size,
        // To open it anew takes a name, a connection and an answer.
        idleTimeoutMs: 2 * (connect_timeout + idle_timeout) + MARGIN,
        ...{ clock: this.clock, context, signal },
      },
      position,
    );
    return download.source();
  }

  /** Ends with the attempt, whose signal is aborted when it is over. */
  #deadline(uri: string, signal: AbortSignal): AbortSignal {
    const { total_timeout: timeoutMs } = this.config;
    const deadline = new AbortController();
    this.clock.sleep(timeoutMs, signal).then(
      () => {
        deadline.abort(tooSlow(uri, timeoutMs));
      },
      () => undefined,
    );
    return AbortSignal.any([signal, deadline.signal]);
  }
}

function addressesOf({ uri, mirrors = [] }: WebDownloadParams): readonly string[] {
  return [uri, ...mirrors];
}

function limitOf(rate: number | undefined, clock: Clock): readonly RateLimit[] {
  return rate === undefined ? [] : [new RateLimit(rate, clock)];
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
