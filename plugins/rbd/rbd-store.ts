import { Readable } from 'node:stream';
import {
  IntegrityError,
  NotFoundError,
  PermanentError,
  TransientError,
  z,
} from '../../core/api.js';
import type { JsonObject, PluginSite, Programs, Store, StoredObject } from '../../core/api.js';
import type { RbdConfig } from './rbd-config.js';
import { locationOf, parseUrl, urlOf } from './rbd-location.js';
import type { RbdLocation } from './rbd-location.js';
import { RbdPrograms, endedWith } from './rbd-programs.js';
import type { Errno } from './rbd-programs.js';

const Info = z.looseObject({ size: z.int().min(0) });

/**
 * Keeps each object as an image of a Ceph pool with a protected snapshot, from which others clone
 * copy-on-write. What is being written has no snapshot yet, so that nobody takes it for whole.
 */
export class RbdStore implements Store {
  readonly #rbd: RbdPrograms;
  #fsid: string | undefined;

  constructor(
    private readonly config: RbdConfig,
    private readonly site: Pick<PluginSite, 'id'>,
    programs: Programs,
  ) {
    this.#rbd = new RbdPrograms(config, site.id, programs);
  }

  async start(): Promise<void> {
    this.#fsid = await this.#rbd.fsid();
    try {
      await this.#rbd.ask(['info', '--pool', this.config.pool, '--image', 'no-such-image']);
    } catch (error) {
      // The answer that tells a pool which can be used.
      const said = error instanceof Error ? error.message : '';
      if (endedWith(error, 'ENOENT') && !said.includes('pool')) return;
      throw error;
    }
  }

  async write(
    name: string,
    source: Readable,
    { size, signal }: { readonly size: number | undefined; readonly signal: AbortSignal },
  ): Promise<StoredObject> {
    signal.throwIfAborted();
    const location = locationOf(this.#cluster(), this.config.pool, name);
    const feed = new Feed(name, source, size, signal);
    await this.#rbd.work(
      [
        ...['import', '--no-progress', '--image-format', '2'],
        ...['--object-size', `${this.config.object_size}B`, '-', imageSpec(location)],
      ],
      feed.bytes(),
    );
    if (feed.failure !== undefined) {
      await this.#remove(location);
      throw feed.failure.error;
    }
    await this.#rbd.ask(['snap', 'create', '--no-progress', spec(location)]);
    await this.#rbd.ask(['snap', 'protect', spec(location)]);
    return { url: urlOf(location) };
  }

  async open(url: string, { signal }: { readonly signal?: AbortSignal }): Promise<Readable> {
    const location = this.#own(url);
    const wanted = signal ?? new AbortController().signal;
    // Says at once what is missing: the stream would only break.
    await this.stat(url);
    wanted.throwIfAborted();
    return this.#rbd.stream(['export', '--no-progress', spec(location), '-'], wanted);
  }

  async stat(url: string): Promise<{ readonly size: number }> {
    const told = await this.#rbd.ask(['info', '--format', 'json', spec(this.#own(url))]);
    const info = Info.safeParse(JSON.parse(told));
    if (info.success) return { size: info.data.size };
    throw new PermanentError({
      code: 'STORE_BROKEN',
      message: `Store "${this.site.id}": "rbd info" does not tell the size of "${url}"`,
      hint: 'Check that rbd is of a release that is still maintained',
    });
  }

  async delete(url: string): Promise<void> {
    await this.#remove(this.#own(url));
  }

  async discard(name: string): Promise<void> {
    await this.#remove(locationOf(this.#cluster(), this.config.pool, name));
  }

  properties(): JsonObject {
    const { pool, conf, user } = this.config;
    return { pool, conf, user, ...(this.#fsid === undefined ? {} : { fsid: this.#fsid }) };
  }

  /** Each step finds done what an earlier call has done. */
  async #remove(location: RbdLocation): Promise<void> {
    try {
      await unless(['ENOENT', 'EINVAL'], this.#rbd.ask(['snap', 'unprotect', spec(location)]));
      await unless(['ENOENT'], this.#rbd.ask(['snap', 'rm', '--no-progress', spec(location)]));
      await unless(['ENOENT'], this.#rbd.work(['rm', '--no-progress', imageSpec(location)]));
    } catch (error) {
      if (!endedWith(error, 'EBUSY', 'ENOTEMPTY')) throw error;
      throw new TransientError({
        code: 'OBJECT_IN_USE',
        message: `Store "${this.site.id}": "${imageSpec(location)}" is still read or written, or volumes share its blocks`,
        hint: 'It goes with the last of them; `rbd children` and `rbd status` tell them',
        cause: error,
      });
    }
  }

  /** What the pool of this store holds; nothing else is read here, and least of all removed. */
  #own(url: string): RbdLocation {
    const location = parseUrl(url);
    const { fsid, pool } = location;
    if (fsid === this.#cluster() && pool === this.config.pool) return location;
    throw new NotFoundError({
      code: 'OBJECT_NOT_FOUND',
      message: `"${url}" is not in the pool of store "${this.site.id}"`,
      hint: 'Name the store that has this pool',
    });
  }

  #cluster(): string {
    if (this.#fsid !== undefined) return this.#fsid;
    throw new TransientError({
      code: 'STORE_UNAVAILABLE',
      message: `Store "${this.site.id}" has not reached its cluster yet`,
      hint: 'See `ceph status`',
    });
  }
}

/**
 * A stream on its way into a program. Where it breaks it ends: a program that is killed in the middle
 * of a write holds the image for half a minute.
 */
class Feed {
  failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly name: string,
    private readonly source: Readable,
    private readonly size: number | undefined,
    private readonly signal: AbortSignal,
  ) {}

  bytes(): Readable {
    return Readable.from(this.#bytes(), { objectMode: false });
  }

  async *#bytes(): AsyncGenerator<Uint8Array> {
    const { source, signal } = this;
    const abort = (): void => void source.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      yield* this.#counted();
      signal.throwIfAborted();
    } catch (error) {
      this.failure = { error: signal.aborted ? signal.reason : error };
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async *#counted(): AsyncGenerator<Uint8Array> {
    const { name, size } = this;
    let taken = 0;
    for await (const chunk of this.source as AsyncIterable<Uint8Array>) {
      taken += chunk.length;
      if (size !== undefined && taken > size) break;
      yield chunk;
    }
    if (size === undefined || taken === size) return;
    throw new IntegrityError({
      code: 'SIZE_MISMATCH',
      message: `"${name}" has ${taken > size ? 'more than' : 'only'} ${Math.min(taken, size)} bytes, expected ${size}`,
    });
  }
}

function imageSpec({ pool, image }: RbdLocation): string {
  return `${pool}/${image}`;
}

function spec(location: RbdLocation): string {
  return `${imageSpec(location)}@${location.snapshot}`;
}

/** Whether it is done already is no failure of doing it. */
async function unless(codes: readonly Errno[], work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!endedWith(error, ...codes)) throw error;
  }
}
