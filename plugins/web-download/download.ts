import { Readable } from 'node:stream';
import { TransientError } from '../../core/api.js';
import type { Clock, FetchResponse, MethodContext, StreamSource } from '../../core/api.js';
import { assertRange, contentOf } from './content.js';
import type { Content } from './content.js';
import {
  allFailed,
  isChange,
  sourceChanged,
  startsOverElsewhere,
  tooLarge,
} from './download-errors.js';
import * as http from './http-answer.js';
import type { Position } from './position.js';
import { paced } from './rate-limit.js';
import type { RateLimit } from './rate-limit.js';
import type { Requests } from './requests.js';
import { cappedBytes, skipBytes } from './body-bytes.js';
import { UnusedBody } from './unused-body.js';

export interface DownloadParts {
  /** `uri` and the mirrors. */
  readonly addresses: readonly string[];
  readonly requests: Requests;
  readonly limits: readonly RateLimit[];
  readonly maxSize: number | undefined;
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  readonly context: MethodContext;
  /** Ends with the attempt, or when it has used up its time. */
  readonly signal: AbortSignal;
}

/** Attempts that an address may fail before a download starts over at the next. */
const MAX_FAILURES = 2;

/**
 * One attempt of one download. The first request asks for all bytes as a range, so that its answer tells
 * whether the download can be resumed, and brings the bytes at the same time.
 *
 * Without a digest the bytes of two addresses are never mixed: another address starts over. With one they
 * are the same where their length is, and the digest decides in the end.
 */
export class Download {
  #position: Position;
  #unused: UnusedBody | undefined;
  /** Several openings that fail in one attempt count as one. */
  #hasFailed = false;

  constructor(
    private readonly parts: DownloadParts,
    position: Position,
  ) {
    this.#position = position;
  }

  async source(): Promise<StreamSource> {
    const { size, validator, takesRanges } = this.#position.content ?? (await this.#probe());
    const { mirror, digest } = this.#position;
    const identity = digest === null ? validator && `${mirror} ${validator}` : digest.value;
    return {
      kind: 'stream',
      size: size ?? undefined,
      validator: identity === null ? undefined : `${identity} ${size ?? 'unknown'}`,
      resumable: takesRanges && identity !== null && (size !== null || digest === null),
      idleTimeoutMs: this.parts.idleTimeoutMs,
      open: (offset, signal) => this.#open(offset, AbortSignal.any([signal, this.parts.signal])),
      ...(digest === null ? {} : { expectedDigests: { [digest.algorithm]: digest.value } }),
    };
  }

  /** Asks one address after the other what it has, beginning with the one that the position names. */
  async #probe(): Promise<Content> {
    const { requests, signal, clock, idleTimeoutMs, maxSize } = this.parts;
    return this.#firstOf(async (mirror) => {
      const response = await requests.get(this.#address(mirror), { range: 'bytes=0-' }, signal);
      return closedOnFailure(response, async () => {
        const content = contentOf(response);
        if (content === undefined) throw http.statusError(response, clock.now());
        if (maxSize !== undefined && content.size !== null && content.size > maxSize) {
          throw tooLarge(`${content.size} bytes`, maxSize);
        }
        await this.#move({ mirror, content, failures: 0 });
        this.#unused = new UnusedBody(response.body, idleTimeoutMs, clock, signal);
        return content;
      });
    });
  }

  async #open(offset: number, signal: AbortSignal): Promise<Readable> {
    const { limits, maxSize } = this.parts;
    const body = this.#unused?.take(offset === 0) ?? (await this.#ask(offset, signal));
    const isUnknown = this.#position.content?.size === null;
    const capped =
      maxSize !== undefined && isUnknown
        ? cappedBytes(body, maxSize - offset, () => tooLarge(`more than ${maxSize} bytes`, maxSize))
        : body;
    return paced(capped, limits, signal);
  }

  async #ask(offset: number, signal: AbortSignal): Promise<Readable> {
    const { content, digest, mirror } = this.#position;
    // What was killed between the last byte and the end has nothing to ask for.
    if (offset > 0 && offset === content?.size) return Readable.from([]);
    try {
      return digest === null
        ? await this.#askOne(mirror, offset, signal)
        : await this.#firstOf((at) => this.#askOne(at, offset, signal));
    } catch (error) {
      signal.throwIfAborted();
      if (!isChange(error)) throw digest === null ? await this.#orElsewhere(error) : error;
      // The next attempt asks anew what there is.
      await this.#move({ content: null });
      throw error;
    }
  }

  async #askOne(mirror: number, offset: number, signal: AbortSignal): Promise<Readable> {
    const { content } = this.#position;
    // With a digest it does not matter what a server calls its content.
    const validator = this.#position.digest === null ? (content?.validator ?? null) : null;
    const response = await this.parts.requests.get(
      this.#address(mirror),
      {
        ...(offset === 0 ? {} : { range: `bytes=${offset}-` }),
        ...(offset === 0 || validator === null ? {} : { 'if-range': validator }),
      },
      signal,
    );
    return closedOnFailure(response, async () => {
      const size = content?.size ?? undefined;
      if (this.#isOther(response, size, validator)) throw sourceChanged(response.url);
      if (response.status === 206) assertRange(response, offset, size);
      const isSteady = mirror === this.#position.mirror && this.#position.failures === 0;
      if (!isSteady) await this.#move({ mirror, failures: 0 });
      if (response.status === 206 || offset === 0) return response.body;
      this.parts.context.log.info(
        'The server sends all bytes again; those that are here are dropped',
        {
          address: http.withoutQuery(response.url),
          offset,
        },
      );
      return skipBytes(response.body, offset);
    });
  }

  /** Whether an answer is one of other content. @throws what its status stands for */
  #isOther(response: FetchResponse, size: number | undefined, validator: string | null): boolean {
    const { status, headers } = response;
    if (status === 416) return true;
    if (status !== 206 && status !== 200) throw http.statusError(response, this.parts.clock.now());
    http.assertIdentity(response);
    const total =
      status === 206
        ? http.contentRange(headers['content-range'])?.total
        : (http.contentLength(response) ?? size);
    if (total !== size) return true;
    if (validator === null) return false;
    // All of it although a range was asked for: the content is another, or the server has given up ranges.
    return status === 200
      ? http.strongValidator(headers, total) !== validator
      : http.isOther(headers, validator);
  }

  /** An address that keeps failing is left for the next one, from the first byte on. */
  async #orElsewhere(cause: unknown): Promise<unknown> {
    const { addresses } = this.parts;
    const { mirror, failures, content } = this.#position;
    if (addresses.length === 1 || content === null || !(cause instanceof Error)) return cause;
    if (cause instanceof TransientError && (this.#hasFailed || failures + 1 < MAX_FAILURES)) {
      if (!this.#hasFailed) await this.#move({ failures: failures + 1 });
      this.#hasFailed = true;
      return cause;
    }
    const next = (mirror + 1) % addresses.length;
    await this.#move({ mirror: next, content: null, failures: 0 });
    return startsOverElsewhere(this.#address(mirror), this.#address(next), cause);
  }

  /** The first answer that is of use, of all addresses in turn. */
  async #firstOf<T>(ask: (mirror: number) => Promise<T>): Promise<T> {
    const { addresses, context, signal } = this.parts;
    const failures: Error[] = [];
    for (let step = 0; step < addresses.length; step += 1) {
      const mirror = (this.#position.mirror + step) % addresses.length;
      try {
        return await ask(mirror);
      } catch (error) {
        signal.throwIfAborted();
        const failure = error instanceof Error ? error : new Error(String(error));
        failures.push(failure);
        if (addresses.length === 1) break;
        context.log.warn('An address of the image fails', {
          address: http.withoutQuery(this.#address(mirror)),
          reason: failure.message,
        });
      }
    }
    throw allFailed(failures);
  }

  async #move(change: Partial<Position>): Promise<void> {
    this.#position = { ...this.#position, ...change };
    await this.parts.context.checkpoint(this.#position);
  }

  #address(mirror: number): string {
    return this.parts.addresses[mirror] ?? '';
  }
}

async function closedOnFailure<T>({ body }: FetchResponse, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    body.destroy();
    throw error;
  }
}
